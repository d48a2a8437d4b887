// Six models of one distribution, beside each other: samples over the data, and what lies behind them. A click makes
// one large, with its paths and its field.
import { create, fixed, toast } from "../core/dom.js";
import { registerViewer } from "../core/registry.js";

const SIDE = 320;
const LARGE = 720;
const WORDS = {
  exact: "exact likelihood",
  bound: "a bound on the likelihood",
  none: "no likelihood",
};

/** Bytes of base64. */
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const opened = new WeakMap();

/** Coordinates in thousandths as numbers; what was read once is kept with its frame. */
export function unpack(part) {
  if (!opened.has(part))
    opened.set(
      part,
      Float32Array.from(new Int16Array(bytes(part.data).buffer), (v) => v / 1000),
    );
  return opened.get(part);
}

/** A drawing of one family on a canvas: `options` are { large, time, optimal, particle }. */
function drawFamily(canvas, view, family, options) {
  const side = canvas.width;
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  const at = (x, y) => [((x / view.span + 1) * side) / 2, ((1 - y / view.span) * side) / 2];
  const unit = side / SIDE;
  context.clearRect(0, 0, side, side);

  function dots(part, name, alpha, size) {
    context.fillStyle = colour(name);
    context.globalAlpha = alpha;
    const xy = unpack(part);
    for (let i = 0; i < xy.length; i += 2) {
      const [x, y] = at(xy[i], xy[i + 1]);
      context.fillRect(x - size / 2, y - size / 2, size, size);
    }
    context.globalAlpha = 1;
  }
  function heat(text, strength = 0.75) {
    const values = bytes(text);
    const cells = Math.sqrt(values.length);
    context.fillStyle = colour("--safelight");
    const size = side / cells;
    for (let i = 0; i < values.length; i++) {
      if (values[i] < 8) continue;
      context.globalAlpha = (values[i] / 255) * strength;
      context.fillRect((i % cells) * size, Math.floor(i / cells) * size, size + 0.5, size + 0.5);
    }
    context.globalAlpha = 1;
  }
  function lines(part, name, alpha) {
    const xy = unpack(part);
    const [count, points] = part.shape;
    context.strokeStyle = colour(name);
    context.globalAlpha = alpha;
    context.lineWidth = unit;
    for (let k = 0; k < count; k++) {
      context.beginPath();
      for (let i = 0; i < points; i++)
        context.lineTo(...at(xy[2 * (k * points + i)], xy[2 * (k * points + i) + 1]));
      context.stroke();
    }
    context.globalAlpha = 1;
  }
  /** The path of one particle, or of all, up to a time. */
  function paths(part, until, only) {
    const xy = unpack(part);
    const [steps, count] = part.shape;
    context.strokeStyle = colour("--paper");
    context.fillStyle = colour("--paper");
    const last = Math.round(until * (steps - 1));
    for (let k = 0; k < count; k++) {
      context.globalAlpha = only < 0 ? 0.45 : k === only ? 1 : 0.12;
      context.lineWidth = unit * (k === only ? 1.6 : 0.8);
      context.beginPath();
      for (let t = 0; t <= last; t++) context.lineTo(...at(xy[2 * (t * count + k)], xy[2 * (t * count + k) + 1]));
      context.stroke();
      const [x, y] = at(xy[2 * (last * count + k)], xy[2 * (last * count + k) + 1]);
      context.beginPath();
      context.arc(x, y, 2.4 * unit, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
  }
  function arrows(part, which) {
    const xy = unpack(part);
    const count = part.shape[1];
    const cells = Math.sqrt(count);
    context.strokeStyle = colour("--mute");
    context.lineWidth = unit;
    for (let i = 0; i < count; i++) {
      const reach = view.span * 0.94;
      const x0 = (((i % cells) / (cells - 1)) * 2 - 1) * reach;
      const y0 = (1 - (Math.floor(i / cells) / (cells - 1)) * 2) * reach;
      const dx = xy[2 * (which * count + i)];
      const dy = xy[2 * (which * count + i) + 1];
      const long = Math.hypot(dx, dy) || 1e-9;
      const scale = (Math.min(1, long / 2) * 0.42) / long;
      const [x, y] = at(x0, y0);
      const [u, v] = at(x0 + dx * scale, y0 + dy * scale);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(u, v);
      context.stroke();
      context.fillStyle = colour("--mute");
      context.fillRect(u - unit, v - unit, 2 * unit, 2 * unit);
    }
  }

  // by integration, which needs a good network: only where one looks closely, and at its end
  if (family.density && (!family.paths || (options.large && options.time === 1))) heat(family.density);
  if (family.verdict) heat(family.verdict, 0.45);
  dots(view.data, "--mute", 0.6, 2 * unit);
  if (family.lattice && options.large) lines(family.lattice, "--safelight", 0.55);
  if (family.paths && options.large) {
    const which = nearest(family.times, 1 - options.time);
    arrows(options.optimal ? family.optimal : family.field, which);
    paths(family.paths, options.time, options.particle);
  } else dots(family.samples, "--paper", 0.9, 2.4 * unit);
}

const nearest = (times, t) =>
  times.reduce((best, v, i) => (Math.abs(v - t) < Math.abs(times[best] - t) ? i : best), 0);

/** What its energy distance is worth, as words and a share of a bar. */
function quality({ energy }) {
  if (!Number.isFinite(energy)) return ["–", 0];
  const share = Math.max(0, energy);
  return [`${share < 0.1 ? fixed(share, 3) : fixed(share)} of a Gaussian's distance`, Math.max(0, 1 - share)];
}

registerViewer("plane", (stage) => {
  const root = create('<div class="plane" hidden></div>');
  const bar = create(`<div class="tools plane-tools" role="toolbar" aria-label="Training">
    <button type="button" data-do="step">Single step</button>
    <button type="button" data-do="reset">Reset</button>
    <button type="button" data-do="all" hidden>All six</button>
    <label class="time" hidden>noise to data <input type="range" min="0" max="1" step="0.04" value="1"></label>
    <label class="optimal" hidden><input type="checkbox"> the optimal denoiser's field</label></div>`);
  stage.print.append(root);
  stage.toolrows.append(bar);
  const part = (name) => bar.querySelector(name);
  const cells = {}; // by the family's name
  const options = { time: 1, optimal: false, particle: -1 };
  stage.focus = ""; // the family that is large

  function cellOf(family) {
    if (cells[family.name]) return cells[family.name];
    const cell = create(`<button type="button" class="family"><canvas></canvas><b></b><span></span>
      <i class="meter"></i><em hidden></em></button>`);
    cell.firstElementChild.width = cell.firstElementChild.height = SIDE;
    cell.onclick = (event) => (stage.focus ? pick(event, family) : enlarge(family.name));
    cells[family.name] = cell;
    root.append(cell);
    return cell;
  }
  function enlarge(name) {
    stage.focus = name;
    options.particle = -1;
    stage.draw();
  }
  /** In the large one a click follows the particle that is nearest, or lets it go. */
  function pick(event, { name }) {
    const family = current?.families.find((one) => one.name === name);
    if (!family?.paths || !event.detail) return; // a key presses nowhere
    const box = cells[name].firstElementChild.getBoundingClientRect();
    const x = (((event.clientX - box.left) / box.width) * 2 - 1) * current.span;
    const y = (1 - ((event.clientY - box.top) / box.height) * 2) * current.span;
    const xy = unpack(family.paths);
    const [steps, count] = family.paths.shape;
    const row = Math.round(options.time * (steps - 1)) * count;
    const far = (k) => Math.hypot(xy[2 * (row + k)] - x, xy[2 * (row + k) + 1] - y);
    const best = [...Array(count).keys()].reduce((a, b) => (far(b) < far(a) ? b : a));
    options.particle = options.particle === best ? -1 : best;
    stage.draw();
  }
  let current = null;

  bar.addEventListener("click", ({ target }) => {
    const action = target.closest("button")?.dataset.do;
    if (action === "step" && !stage.running) {
      stage.only = 1;
      stage.form.run();
      setTimeout(() => {
        if (!stage.running) stage.only = 0; // the click was not taken
      }, 1000);
    } else if (action === "reset" && stage.running) toast("Pause it first, then reset.");
    else if (action === "reset") {
      stage.forget();
      stage.showNothing();
      stage.pause = stage.focus = stage.$("where").textContent = "";
    } else if (action === "all") enlarge("");
  });
  part("input[type=range]").addEventListener("input", ({ target }) => {
    options.time = Number(target.value);
    stage.draw();
  });
  part("input[type=checkbox]").addEventListener("change", ({ target }) => {
    options.optimal = target.checked;
    stage.draw();
  });

  return {
    /** view: { families: [{ name, title, samples, … }], data, span }; see experiment.py. */
    show({ view }) {
      current = view;
      stage.pause = view.pause;
      root.hidden = false;
      root.classList.toggle("large", Boolean(stage.focus));
      for (const family of view.families) {
        const cell = cellOf(family);
        const large = stage.focus === family.name;
        cell.hidden = Boolean(stage.focus) && !large;
        if (cell.hidden) continue;
        const [canvas, title, words, meter, trouble] = cell.children;
        if (canvas.width !== (large ? LARGE : SIDE)) canvas.width = canvas.height = large ? LARGE : SIDE;
        const [text, share] = quality(family.scores);
        title.textContent = family.title;
        words.textContent = `${WORDS[family.likelihood]} · ${text}`;
        meter.style.setProperty("--done", `${100 * share}%`);
        trouble.textContent = family.diagnosis;
        trouble.hidden = !family.diagnosis;
        cell.setAttribute("aria-label", `${family.title}: ${words.textContent}`);
        drawFamily(canvas, view, family, { ...options, large });
      }
      const walks = Boolean(view.families.find((family) => family.name === stage.focus)?.paths);
      part("[data-do=all]").hidden = !stage.focus;
      part(".time").hidden = part(".optimal").hidden = !walks;
    },
    hide() {
      root.hidden = true;
    },
    give: {},
  };
});
