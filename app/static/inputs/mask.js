// A picture to paint a mask on, in the safelight's red. What OpenCV does to the mask, the server does.
import { byId, create, loadImage, saveAs, toast } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";
import { drawLine, followPointer, mountTools, Undo } from "./paint.js";

const RED = [255, 74, 46];
const BOARD = `<div id="canvas" class="canvas"><canvas id="base"></canvas>
  <canvas id="mask" class="mask" aria-label="Paint here what should change"></canvas></div>`;
const TOOLS = `<div id="tools" class="tools" role="toolbar" aria-label="Mask">
  <button type="button" data-do="choose">Open picture</button>
  <button type="button" data-tool="brush">Brush</button><button type="button" data-tool="eraser">Eraser</button>
  <label>size <input id="size" type="range" min="1" max="40" value="12" aria-label="Brush size"></label>
  <button type="button" data-do="undo">Undo</button><button type="button" data-do="clear">Clear</button>
  <details class="numbers"><summary>Mask</summary>
    <button type="button" data-do="invert">Invert</button><button type="button" data-do="grow">Grow</button>
    <button type="button" data-do="shrink">Shrink</button><button type="button" data-do="open">Open mask</button>
    <button type="button" data-do="save">Save mask</button>
    ${["left", "top", "width", "height"]
      .map(
        (name) => `<label>${name} <input type="number" min="0" data-side="${name}" aria-label="${name}"></label>`,
      )
      .join("")}
    <button type="button" data-do="mark">Mark</button><button type="button" data-do="unmark">Unmark</button>
  </details></div>`;

registerEditor("mask", ({ stage, element, tools: rows, changed }) => {
  const board = create(stage.markup(BOARD));
  const row = create(stage.markup(TOOLS));
  element.append(board);
  rows.append(row);
  const [base, mask] = board.children;
  const ink = mask.getContext("2d", { willReadFrequently: true });
  const undo = new Undo();
  let url = "";

  const whole = () => ink.getImageData(0, 0, mask.width, mask.height);
  const remember = () => undo.remember(whole());

  async function setImage(given) {
    const picture = await loadImage(given);
    const fits = mask.width === picture.width && mask.height === picture.height;
    const kept = fits && whole();
    for (const sheet of [base, mask]) {
      sheet.width = picture.width;
      sheet.height = picture.height;
    }
    board.style.aspectRatio = `${picture.width} / ${picture.height}`;
    board.style.setProperty("--shape", picture.width / picture.height);
    base.getContext("2d").drawImage(picture, 0, 0);
    if (kept) ink.putImageData(kept, 0, 0);
    url = given;
    for (const [name, size] of [
      ["width", picture.width],
      ["height", picture.height],
    ]) {
      row.querySelector(`[data-side=${name}]`).max = size;
      row.querySelector(`[data-side=${name}]`).placeholder = size;
    }
    if (!fits) undo.clear();
  }

  async function setMask(given) {
    const picture = await loadImage(given);
    if (picture.width !== mask.width || picture.height !== mask.height) {
      const sizes = [`${picture.width} × ${picture.height}`, `${mask.width} × ${mask.height}`];
      return `The mask is ${sizes[0]} pixels, but the picture is ${sizes[1]}: give them the same size.`;
    }
    remember();
    ink.clearRect(0, 0, mask.width, mask.height);
    ink.drawImage(picture, 0, 0);
    const pixels = whole();
    for (let i = 0; i < pixels.data.length; i += 4) pixels.data.set([...RED, pixels.data[i] > 127 ? 255 : 0], i);
    ink.putImageData(pixels, 0, 0);
    return "";
  }

  /** The mask as it travels: white where to change. */
  function exportMask() {
    const sheet = document.createElement("canvas");
    sheet.width = mask.width;
    sheet.height = mask.height;
    const pixels = whole();
    for (let i = 0; i < pixels.data.length; i += 4) {
      const v = pixels.data[i + 3] > 127 ? 255 : 0;
      pixels.data.set([v, v, v, 255], i);
    }
    sheet.getContext("2d").putImageData(pixels, 0, 0);
    return sheet.toDataURL("image/png");
  }

  /** A rectangle, in the picture's pixels: without a pointer. */
  function fillRectangle(erase) {
    const [left, top, width, height] = [...row.querySelectorAll("[data-side]")].map((box) => Number(box.value));
    if (!url || !(width > 0 && height > 0)) {
      toast("Give a width and a height in pixels, then mark.", true);
      return;
    }
    remember();
    ink.fillStyle = `rgb(${RED})`;
    if (erase) ink.clearRect(left, top, width, height);
    else ink.fillRect(left, top, width, height);
    changed();
  }

  const askServer = (button) => byId(`${stage.tab}-op-${button.dataset.do}`).click();
  const tools = mountTools(row, {
    undo() {
      const before = undo.back();
      if (before) ink.putImageData(before, 0, 0);
      changed();
    },
    clear() {
      remember();
      ink.clearRect(0, 0, mask.width, mask.height);
      changed();
    },
    choose: () => stage.chooseFile(),
    mark: () => fillRectangle(false),
    unmark: () => fillRectangle(true),
    save: () => saveAs(exportMask(), "mask.png"),
    open: () => document.querySelector(`#${stage.tab}-mask-file input[type=file]`).click(),
    invert: askServer,
    grow: askServer,
    shrink: askServer,
  });
  followPointer(mask, {
    ready: () => Boolean(url),
    begin: remember,
    line(from, to) {
      const size = Number(row.querySelector("[type=range]").value) / 100;
      const width = size * Math.max(mask.width, mask.height);
      drawLine(ink, from, to, width, `rgb(${RED})`, tools.current() === "eraser");
    },
    end: changed,
  });
  const { example } = stage.options;
  if (example) setTimeout(() => url || setImage(example).then(changed)); // unless something is there before

  return {
    names: ["image", "mask"],
    get: (name) => (url ? (name === "mask" ? exportMask() : url) : ""),
    async set({ image, mask: painted }) {
      if (image && image !== url) await setImage(image);
      return painted ? setMask(painted) : "";
    },
    showTools(on) {
      row.hidden = !on;
    },
  };
});
