// A sheet to draw a distribution on: strokes become points. A dropped CSV of x,y is taken as it is.
import { create } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";
import { drawLine, followPointer, mountTools, Undo } from "./paint.js";

const SIDE = 256;
const PEN = 9;
const POINTS = 500; // that are taken from a drawing: a link has room for them
const BOARD = `<div class="sheet points-sheet"><canvas width="${SIDE}" height="${SIDE}" tabindex="0"
  aria-label="Draw a distribution here, or drop a CSV of x,y"></canvas></div>`;
const TOOLS = `<div class="tools" role="toolbar" aria-label="Drawing">
  <button type="button" data-do="undo">Undo</button><button type="button" data-do="clear">Clear</button>
  <button type="button" data-do="open">Open a CSV</button></div>`;

registerEditor("points", ({ stage, element, changed }) => {
  const board = create(BOARD);
  const row = create(TOOLS);
  element.append(create("<small>Draw your own, or drop a CSV</small>"), board, row);
  const canvas = board.firstElementChild;
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const undo = new Undo();
  let text = ""; // the points that are given, as CSV

  /** Points of what is drawn: of its dark pixels, evenly picked. */
  function readDrawing() {
    const { data } = ink.getImageData(0, 0, SIDE, SIDE);
    const dark = [];
    for (let i = 3, at = 0; i < data.length; i += 4, at++) if (data[i] > 127) dark.push(at);
    const step = Math.max(1, dark.length / POINTS);
    const picks = Array.from({ length: Math.min(POINTS, dark.length) }, (_, k) => dark[Math.floor(k * step)]);
    return picks.map((at) => `${(at % SIDE) - SIDE / 2},${SIDE / 2 - Math.floor(at / SIDE)}`).join("\n");
  }

  /** Points that came from elsewhere, drawn as dots. */
  function show(csv) {
    ink.clearRect(0, 0, SIDE, SIDE);
    const rows = csv.split("\n").filter(Boolean);
    const points = rows.map((line) => line.split(",").map(Number));
    const reach = Math.max(1e-9, ...points.flat().map(Math.abs)) * 1.1;
    for (const [x, y] of points)
      ink.fillRect(((x / reach + 1) * SIDE) / 2 - 1.5, ((1 - y / reach) * SIDE) / 2 - 1.5, 3, 3);
  }

  const snapshot = () => ({ pixels: ink.getImageData(0, 0, SIDE, SIDE), text });
  /** What is drawn is to be learnt; nothing drawn is no choice. */
  function given() {
    const drawn = stage.form.values?.distribution === "drawn";
    if (Boolean(text) !== drawn) stage.form.fill({ distribution: text ? "drawn" : "ring" });
    changed();
  }
  function paint() {
    ink.fillStyle = getComputedStyle(canvas).getPropertyValue("--paper");
  }

  mountTools(row, {
    undo() {
      const before = undo.back();
      if (!before) return;
      ink.putImageData(before.pixels, 0, 0);
      text = before.text;
      given();
    },
    clear() {
      undo.remember(snapshot());
      ink.clearRect(0, 0, SIDE, SIDE);
      text = "";
      given();
    },
    open: () => stage.chooseFile(),
  });
  followPointer(canvas, {
    begin: () => undo.remember(snapshot()),
    line(from, to) {
      drawLine(ink, from, to, PEN, getComputedStyle(canvas).getPropertyValue("--paper"));
    },
    end() {
      text = readDrawing();
      given();
    },
  });

  stage.viewer("plane"); // its buttons begin a run, too
  const run = { resume: () => stage.pause ?? "", only: () => stage.only ?? 0 };
  return {
    names: ["points", "resume", "only"],
    get: (name) => run[name]?.() ?? text,
    isEmpty: () => !text,
    continues: () => Boolean(stage.pause),
    link: () => ({ points: text }), // short enough for one
    async set(values) {
      if (!("points" in values)) return "";
      undo.remember(snapshot());
      paint();
      text = values.points;
      show(text);
      if (text && !("resume" in values)) given(); // with settings comes their distribution
      return "";
    },
  };
});
