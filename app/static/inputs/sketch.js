// A sheet of paper to draw on: lines by the pen, colours by the brush under them. Each is a control of its own.
import { byId, create, loadImage } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";
import { drawLine, followPointer, mountTools, Undo } from "./paint.js";

const SIDE = 256;
const INK = [27, 22, 19];
const BOARD = `<div id="canvas" class="canvas sheet"><canvas id="colours" width="${SIDE}" height="${SIDE}"></canvas>
  <canvas id="lines" width="${SIDE}" height="${SIDE}" aria-label="Draw here"></canvas></div>`;
const TOOLS = `<div id="tools" class="tools" role="toolbar" aria-label="Drawing">
  <button type="button" data-tool="pen">Pen</button><button type="button" data-tool="colour">Colour</button>
  <input id="hue" type="color" value="#b5432e" aria-label="Colour of the brush">
  <button type="button" data-tool="eraser">Eraser</button>
  <label>size <input id="size" type="range" min="1" max="16" value="5" aria-label="Pen size"></label>
  <button type="button" data-do="undo">Undo</button><button type="button" data-do="clear">Clear</button>
  <button type="button" data-do="trace">Trace a picture</button></div>`;

registerEditor("sketch", ({ stage, element, tools: rows, changed }) => {
  const board = create(stage.markup(BOARD));
  const row = create(stage.markup(TOOLS));
  element.append(board);
  rows.append(row);
  const [colours, lines] = board.children;
  const sheets = { pen: lines, colour: colours };
  const option = { willReadFrequently: true };
  const ink = { pen: lines.getContext("2d", option), colour: colours.getContext("2d", option) };
  const undo = new Undo();
  let tracing = ""; // the picture whose lines and colours the server is finding

  const whole = (name) => ink[name].getImageData(0, 0, SIDE, SIDE);
  const isBlank = (name) => !whole(name).data.some((v, i) => i % 4 === 3 && v);
  const remember = () => undo.remember({ pen: whole("pen"), colour: whole("colour") });
  const wipe = (name) => ink[name].clearRect(0, 0, SIDE, SIDE);

  /** A sheet as it travels: on white paper; nothing drawn is nothing. */
  function exportSheet(name) {
    if (isBlank(name)) return "";
    const paper = document.createElement("canvas");
    paper.width = paper.height = SIDE;
    const context = paper.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    context.drawImage(sheets[name], 0, 0);
    return paper.toDataURL("image/png");
  }

  /** Back from white paper: dark pixels are lines, whatever is not white is colour. */
  async function importSheet(name, url) {
    wipe(name);
    if (!url) return;
    ink[name].drawImage(await loadImage(url), 0, 0, SIDE, SIDE);
    const pixels = whole(name);
    const d = pixels.data;
    const darkest = INK.reduce((sum, v) => sum + v) / 3; // the ink's own darkness is opaque
    for (let i = 0; i < d.length; i += 4) {
      const dark = 255 - (d[i] + d[i + 1] + d[i + 2]) / 3;
      if (name === "pen") d.set([...INK, (dark * 255) / (255 - darkest)], i);
      else if (d[i] > 250 && d[i + 1] > 250 && d[i + 2] > 250) d[i + 3] = 0;
    }
    ink[name].putImageData(pixels, 0, 0);
  }

  const tools = mountTools(row, {
    undo() {
      const before = undo.back();
      if (!before) return;
      for (const name in ink) ink[name].putImageData(before[name], 0, 0);
      changed();
    },
    clear() {
      remember();
      for (const name in ink) wipe(name);
      changed();
    },
    trace: () => stage.chooseFile(),
  });
  row.querySelector("[type=color]").addEventListener("input", () => tools.choose("colour"));
  followPointer(lines, {
    begin: remember,
    line(from, to) {
      const tool = tools.current();
      const size = Number(row.querySelector("[type=range]").value);
      const erase = tool === "eraser";
      for (const name of erase ? ["pen", "colour"] : [tool]) {
        const colour = name === "pen" ? `rgb(${INK})` : row.querySelector("[type=color]").value;
        drawLine(ink[name], from, to, tool === "pen" ? size : 5 * size, colour, erase);
      }
      changed();
    },
    end: changed,
  });

  return {
    names: ["control", "control2"],
    get: (name) => (name === "image" ? tracing : exportSheet(name === "control" ? "pen" : "colour")),
    async set(values) {
      if (values.image) {
        tracing = values.image;
        byId(`${stage.tab}-trace`).click(); // the server finds its lines and colours, and gives them here
        return "";
      }
      remember();
      if ("control" in values) await importSheet("pen", values.control);
      if ("control2" in values) await importSheet("colour", values.control2);
      return "";
    },
  };
});
