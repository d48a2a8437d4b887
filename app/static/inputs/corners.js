// The plane between four codes: a map of what lies where, and a place on it, by pointer or arrow keys. A
// picture, where
// the model can encode one, becomes its first corner.
import { create, toast } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";
import { followPointer } from "./paint.js";

const SIDE = 256;
const STEP = 0.05; // of an arrow key
const BOARD = `<div class="canvas corners"><img alt="" hidden><canvas width="${SIDE}" height="${SIDE}" tabindex="0"
  role="application" aria-label="The plane: drag, or use the arrow keys"></canvas>
  <i class="spot"></i><i class="found" title="where the encoder puts your picture" hidden></i></div>`;
const TOOLS = `<div class="tools" role="toolbar" aria-label="The plane">
  <button type="button" data-do="open">Encode a picture</button>
  <button type="button" data-do="remove" hidden>Without the picture</button>
  <button type="button" data-do="middle">Middle</button><output></output></div>`;

registerEditor("corners", ({ stage, element, tools: rows, changed }) => {
  const board = create(BOARD);
  const row = create(TOOLS);
  element.append(board);
  rows.append(row);
  const [map, pad, spot, found] = board.children;
  const [open, remove] = row.children;
  const at = { x: 0, y: 0 };
  let picture = "";
  let given = false; // whether a picture came since the last frame
  let mapOf = ""; // the model whose plane the map shows

  const takes = (name) => Boolean(stage.model?.takes.includes(name));
  const place = (mark, x, y) => {
    mark.style.left = `${50 * (x + 1)}%`;
    mark.style.top = `${50 * (1 - y)}%`;
  };

  /** What the chosen model cannot serve is grey, and says why. */
  function refresh() {
    board.parentElement.classList.toggle("idle", !takes("x"));
    open.disabled = !takes("image");
    open.title = takes("image") ? "" : "This model has no encoder: no way from a picture to its code.";
    remove.hidden = !picture || !takes("image");
    row.querySelector("[data-do=middle]").disabled = !takes("x");
    row.lastElementChild.textContent = takes("x")
      ? `x ${at.x.toFixed(2)}, y ${at.y.toFixed(2)}`
      : "it has no plane to drag over";
    place(spot, at.x, at.y);
    found.hidden = true;
    map.hidden = !takes("x") || mapOf !== stage.model?.name;
  }

  function go(x, y) {
    [at.x, at.y] = [x, y].map((v) => Math.round(100 * Math.max(-1, Math.min(1, v))) / 100);
    refresh();
    changed();
  }

  /** A picture is at its corner, or where the encoder finds it. */
  function take(url) {
    picture = url;
    given = Boolean(url) && takes("image");
    if (given && takes("x")) [at.x, at.y] = [-1, 1];
    refresh();
  }

  const toPlace = ([x, y]) => go((2 * x) / SIDE - 1, 1 - (2 * y) / SIDE);
  followPointer(pad, { ready: () => takes("x"), begin() {}, line: (_, to) => toPlace(to) });
  pad.addEventListener("keydown", (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (x === undefined || !takes("x")) return;
    event.preventDefault();
    event.stopPropagation();
    go(at.x + STEP * x, at.y + STEP * y);
  });
  row.addEventListener("click", ({ target }) => {
    const name = target.dataset.do;
    if (name === "open") stage.chooseFile();
    if (name === "remove") {
      take("");
      changed();
    }
    if (name === "middle") go(0, 0);
  });
  refresh();

  return {
    names: ["x", "y", "image"],
    get: (name) => (name === "image" ? picture : at[name]),
    isEmpty: () => !(picture && takes("image")),
    link: () => (picture && takes("image") ? null : { ...at }), // no link can carry a picture
    refresh,
    /** A frame brings the map of the plane that it lies on. */
    show(frame) {
      if (frame.plane) {
        map.src = frame.plane;
        mapOf = stage.model?.name;
      }
      refresh();
      if (frame.found) place(found, ...frame.found);
      found.hidden = !frame.found;
      if (given && frame.found) go(...frame.found);
      given = false;
    },
    async set(values) {
      const alone = "image" in values && !("x" in values); // a person's, and no settings'
      if (alone && values.image && !takes("image"))
        toast("This model has no encoder: choose one that has, such as the VAE.", true);
      if (alone) take(values.image);
      else if ("image" in values) picture = values.image;
      for (const name of ["x", "y"]) if (Number.isFinite(values[name])) at[name] = values[name];
      refresh();
      return "";
    },
  };
});
