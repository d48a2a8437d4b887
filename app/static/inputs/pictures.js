// A pile of pictures to teach from: dropped, pasted or chosen; a click takes one away. They travel small, as squares.
import { create, loadImage } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";

const SIDE = 256;

registerEditor("pictures", ({ stage, element, changed }) => {
  const pile = [];
  element.classList.add("pile-box");
  const text = create(stage.markup('<small id="count-given"></small>'));
  const box = create(stage.markup('<div id="pile" class="pile"></div>'));
  const button = create('<button type="button" class="send">Choose pictures</button>');
  button.onclick = () => stage.chooseFile();
  element.append(text, box, button);

  function draw() {
    text.textContent = pile.length
      ? `${pile.length} of 5 to 40 pictures; a click takes one away`
      : "Drop 5 to 40 pictures of one style here, or choose them.";
    const thumbs = pile.map((url, i) => {
      const thumb = create(`<button type="button" title="Take it away"><img alt="Picture ${i + 1}"></button>`);
      thumb.firstElementChild.src = url;
      thumb.onclick = () => {
        pile.splice(i, 1);
        draw();
      };
      return thumb;
    });
    box.replaceChildren(...thumbs);
    changed();
  }

  /** The middle square of a picture, on white. */
  async function add(url) {
    const picture = await loadImage(url);
    const sheet = document.createElement("canvas");
    const least = Math.min(picture.width, picture.height);
    const context = sheet.getContext("2d");
    sheet.width = sheet.height = SIDE;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    context.imageSmoothingQuality = "high";
    const [left, top] = [(picture.width - least) / 2, (picture.height - least) / 2];
    context.drawImage(picture, left, top, least, least, 0, 0, SIDE, SIDE);
    pile.push(sheet.toDataURL("image/png"));
  }

  draw();
  return {
    names: ["pictures"],
    get: () => (pile.length ? JSON.stringify(pile) : ""),
    async set({ image, pictures }) {
      if (image) await add(image);
      // from a file a list, from before a reload what `get` gave
      const list = pictures && (typeof pictures === "string" ? JSON.parse(pictures) : pictures);
      if (list) pile.splice(0, pile.length, ...list);
      draw();
      return "";
    },
    /** Gives a sentence where a file is no picture; the others are kept. */
    async addFiles(files) {
      const wrong = [];
      for (const file of files) {
        const url = URL.createObjectURL(file);
        await add(url).catch(() => wrong.push(file.name));
        URL.revokeObjectURL(url);
      }
      draw();
      const names = `${wrong.slice(0, 3).join(", ")}${wrong.length > 3 ? " and others" : ""}`;
      return wrong.length ? `${names} could not be opened as pictures: choose PNG, JPEG or WebP files.` : "";
    },
  };
});
