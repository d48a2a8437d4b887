// A picture, or a grid of several; over it, on demand, where a word of the prompt looks.
import { create } from "../core/dom.js";
import { registerViewer } from "../core/registry.js";

const SIDE = 256;

registerViewer("image", (stage) => {
  const image = create(stage.markup('<img id="now" alt="The picture comes up here" hidden>'));
  const heat = create(stage.markup('<canvas id="heat" class="heat" aria-hidden="true" hidden></canvas>'));
  stage.print.prepend(image, heat);

  function drawAttention(frame) {
    const map = (frame.attention || [])[stage.hovered >= 0 ? stage.hovered : stage.word];
    heat.hidden = !map;
    if (!map) return;
    const side = Math.round(Math.sqrt(map.length));
    const small = document.createElement("canvas");
    small.width = small.height = side;
    const pixels = small.getContext("2d").createImageData(side, side);
    map.forEach((weight, i) => {
      pixels.data.set([255, 74, 46, Math.round(weight * 0.8)], 4 * i);
    });
    small.getContext("2d").putImageData(pixels, 0, 0);
    heat.width = heat.height = SIDE;
    const context = heat.getContext("2d");
    context.fillStyle = "rgba(14,12,11,.35)";
    context.fillRect(0, 0, SIDE, SIDE);
    const part = SIDE / stage.columns(); // the map is the first picture's
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, part, part);
  }

  return {
    show(frame, layer) {
      image.hidden = false;
      image.src = frame[layer] || frame.preview;
      image.alt = frame.step ? `Step ${frame.step} of ${frame.steps}` : "The picture";
      drawAttention(frame);
    },
    hide() {
      image.hidden = heat.hidden = true;
    },
    give: { image: () => image.src },
  };
});
