// Where things are to stand, as it was decided before the first step.
import { create } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "The plan",
  html: `<svg viewBox="0 0 256 256" class="plan" role="img" aria-label="Boxes of the things that are to be drawn"></svg>
    <small>decided from your words and the seed, before the first step</small>`,
  applies: (frame) => Boolean(frame.plan?.length),
  draw(body, { plan }) {
    const boxes = plan.map(({ kind, colour, box: [left, top, right, bottom] }) => {
      const part = create(`<svg><g><rect x="${left}" y="${top}" width="${Math.max(0, right - left)}"
        height="${Math.max(0, bottom - top)}"/><text x="${left + 5}" y="${top + 16}"></text></g></svg>`);
      part.querySelector("text").textContent = [colour, kind].filter(Boolean).join(" ");
      return part.firstElementChild;
    });
    body.querySelector("svg").replaceChildren(...boxes);
  },
});
