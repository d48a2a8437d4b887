// A picture, or a grid of several, of which a click enlarges one; over it, on demand, where a word of the prompt looks.
import { create } from "../core/dom.js";
import { heatCanvas } from "../core/heat.js";
import { registerViewer } from "../core/registry.js";

const SIDE = 256;

registerViewer("image", (stage) => {
  const image = create(stage.markup('<img id="now" alt="The picture comes up here" hidden>'));
  const heat = create(stage.markup('<canvas id="heat" class="heat" aria-hidden="true" hidden></canvas>'));
  stage.print.prepend(image, heat);
  let chosen = -1; // which of several is enlarged
  let shown = []; // the frame, and the layer of it

  function drawAttention(frame) {
    const map = chosen < 1 && (frame.attention || [])[stage.hovered >= 0 ? stage.hovered : stage.word];
    heat.hidden = !map;
    if (!map) return;
    heat.width = heat.height = SIDE;
    const context = heat.getContext("2d");
    context.fillStyle = "rgba(14,12,11,.35)";
    context.fillRect(0, 0, SIDE, SIDE);
    const part = chosen < 0 ? SIDE / stage.columns() : SIDE; // the map is the first picture's
    context.imageSmoothingQuality = "high";
    context.drawImage(heatCanvas(map), 0, 0, part, part);
  }

  /** One of the pictures of a grid, as a data URL. */
  function crop(url) {
    return new Promise((resolve) => {
      const grid = new Image();
      grid.onload = () => {
        const columns = stage.columns();
        const [width, height] = [grid.width / columns, grid.height / Math.ceil(pictures().length / columns)];
        const sheet = document.createElement("canvas");
        [sheet.width, sheet.height] = [width, height];
        const [left, top] = [(chosen % columns) * width, Math.floor(chosen / columns) * height];
        sheet.getContext("2d").drawImage(grid, left, top, width, height, 0, 0, width, height);
        resolve(sheet.toDataURL());
      };
      grid.src = url;
    });
  }

  const pictures = () => stage.files.filter((file) => file.name.endsWith(".png"));

  async function draw() {
    const [frame, layer] = shown;
    const url = frame[layer] || frame.preview;
    if (chosen >= pictures().length) chosen = -1;
    const finished = chosen >= 0 && layer === "preview" && frame === stage.film.at(-1);
    const source = chosen < 0 ? url : finished ? pictures()[chosen].url : await crop(url);
    if (frame !== shown[0] || layer !== shown[1]) return; // a later one came first
    image.src = source;
    drawAttention(frame);
    image.classList.toggle("several", pictures().length > 1);
  }

  image.addEventListener("click", ({ offsetX, offsetY }) => {
    const several = pictures().length;
    if (several < 2 || stage.running) return;
    const columns = stage.columns();
    const [x, y] = [offsetX / image.clientWidth, offsetY / image.clientHeight];
    const cell = Math.floor(y * Math.ceil(several / columns)) * columns + Math.floor(x * columns);
    chosen = chosen < 0 && cell < several ? cell : -1;
    draw();
  });

  return {
    show(frame, layer) {
      shown = [frame, layer];
      image.hidden = false;
      image.alt = frame.step ? `Step ${frame.step} of ${frame.steps}` : "The picture";
      draw();
    },
    hide() {
      image.hidden = heat.hidden = true;
    },
    begin() {
      chosen = -1;
    },
    give: { image: () => image.src },
  };
});
