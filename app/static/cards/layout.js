// Where things are to stand, as it was decided before the first step. A box that is dragged, or made larger at its
// corner, becomes the form's layout.
import { create } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

const SIDE = 256;
const GRID = 8; // pixels
const LEAST = 16;

const clamp = (value, low, high) => Math.min(high, Math.max(low, GRID * Math.round(value / GRID)));

/** A box moved, or its lower right corner, by some pixels. */
const changed = ([left, top, right, bottom], dx, dy, corner) => {
  if (corner) return [left, top, clamp(right + dx, left + LEAST, SIDE), clamp(bottom + dy, top + LEAST, SIDE)];
  const [x, y] = [clamp(left + dx, 0, SIDE - (right - left)), clamp(top + dy, 0, SIDE - (bottom - top))];
  return [x, y, x + right - left, y + bottom - top];
};

const drawBox = (thing, things, svg, keep) => {
  const part = create('<svg><g><rect/><text></text><rect class="corner" width="14" height="14"/></g></svg>');
  const group = part.firstElementChild;
  const [frame, text, corner] = group.children;
  const place = () => {
    const [left, top, right, bottom] = thing.box;
    const set = (node, values) => {
      for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
    };
    set(frame, { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) });
    set(text, { x: left + 5, y: top + 16 });
    set(corner, { x: right - 14, y: bottom - 14 });
  };
  text.textContent = thing.name;
  place();
  group.onpointerdown = (down) => {
    down.preventDefault();
    group.setPointerCapture(down.pointerId);
    const begun = thing.box;
    const scale = SIDE / svg.getBoundingClientRect().width;
    group.onpointermove = (move) => {
      const by = [move.clientX - down.clientX, move.clientY - down.clientY].map((d) => d * scale);
      thing.box = changed(begun, ...by, down.target === corner);
      place();
    };
    group.onpointerup = group.onpointercancel = () => {
      group.onpointermove = group.onpointerup = group.onpointercancel = null;
      if (String(thing.box) !== String(begun)) keep(things);
    };
  };
  return group;
};

/** The things of a layout in words, where it has as many as another. */
const readBoxes = (text, things) => {
  const parts = text.split(";").map((part) => part.trim().match(/^(.*?)\s+(\d+) (\d+) (\d+) (\d+)$/));
  if (parts.length !== things.length || parts.some((part) => !part)) return null;
  return parts.map(([, name, ...box]) => ({ name, box: box.map(Number) }));
};

const writeBoxes = (things) => things.map(({ name, box }) => `${name} ${box.join(" ")}`).join("; ");

registerCard({
  title: "The layout",
  html: `<svg viewBox="0 0 256 256" class="layout" role="img" aria-label="Boxes of what is to be drawn"></svg>
    <small></small> <button type="button" class="link">Throw the dice again</button>`,
  applies: (frame) => Boolean(frame.layout?.length),
  draw(body, { layout }, stage) {
    const [svg, note, again] = body.querySelectorAll("svg.layout, small, button");
    const said = () => stage.$("layout")?.querySelector("textarea, input")?.value.trim() ?? "";
    const things = readBoxes(said(), layout) ?? layout.map((thing) => ({ ...thing })); // the film keeps what was
    const explain = (text) => {
      const mine = text && text === writeBoxes(layout);
      note.textContent = mine
        ? "As the form's layout says."
        : text
          ? "Generate draws it so."
          : "Decided from your words and the seed. Drag a box to have it elsewhere.";
      again.hidden = !text;
    };
    const keep = (all) => {
      stage.form.fill({ layout: writeBoxes(all) });
      explain(writeBoxes(all));
    };
    again.onclick = () => {
      stage.form.fill({ layout: "" });
      explain("");
    };
    explain(said());
    svg.replaceChildren(...things.map((thing) => drawBox(thing, things, svg, keep)));
  },
});
