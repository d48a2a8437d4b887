// The prompt's words, each with a small map of where the picture looks at it; hovering or choosing one lights the
// picture itself.
import { create } from "../core/dom.js";
import { heatCanvas } from "../core/heat.js";
import { registerCard } from "../core/registry.js";

const SIDE = 44;

/** A map in the safelight's red over the darkened frame. */
function drawMap(canvas, map, picture) {
  const context = canvas.getContext("2d");
  context.filter = "grayscale(1) brightness(.55)";
  if (picture) context.drawImage(picture, 0, 0, SIDE, SIDE);
  context.filter = "none";
  context.imageSmoothingQuality = "high";
  context.drawImage(heatCanvas(map), 0, 0, SIDE, SIDE);
}

registerCard({
  title: "Where each word shows",
  html: '<div id="words" class="words"></div>',
  applies: (frame) => Boolean(frame.attention),
  draw(body, frame, stage) {
    const box = body.querySelector(".words");
    const words = frame.words || [];
    const text = JSON.stringify(words);
    if (box.dataset.words !== text) {
      box.dataset.words = text;
      box.replaceChildren(
        ...words.map((word, i) => {
          const chip = create(
            `<button type="button"><canvas width="${SIDE}" height="${SIDE}"></canvas><span></span></button>`,
          );
          chip.lastElementChild.textContent = word;
          chip.title = `Where the picture looks at “${word}”`;
          const light = (on) => {
            stage.hovered = on ? i : -1;
            stage.draw();
          };
          chip.onpointerenter = (event) => event.pointerType === "mouse" && light(true);
          chip.onpointerleave = (event) => event.pointerType === "mouse" && light(false);
          chip.onclick = () => {
            stage.word = stage.word === i ? -1 : i;
            stage.draw();
          };
          return chip;
        }),
      );
      if (!words.length) box.innerHTML = "<small>Without words the model draws whatever comes to mind.</small>";
    }
    if (!words.length || box.drawn === frame) {
      markChosen(box, stage);
      return;
    }
    box.drawn = frame;
    markChosen(box, stage);
    const picture = new Image();
    picture.onload = () => {
      if (box.drawn !== frame) return;
      frame.attention.forEach((map, i) => {
        if (box.children[i]) drawMap(box.children[i].firstElementChild, map, stage.columns() === 1 && picture);
      });
    };
    picture.src = frame.preview;
  },
});

function markChosen(box, stage) {
  [...box.children].forEach((chip, i) => {
    chip.classList.toggle("on", i === stage.word);
    chip.setAttribute?.("aria-pressed", i === stage.word);
  });
}
