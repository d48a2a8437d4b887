// What a run cost.
import { fixed, megabytes } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "Cost",
  folded: true,
  html: '<table id="cost"></table>',
  applies: (frame) => Boolean(frame.cost),
  draw(body, { cost }) {
    const rows = [
      ["model calls", cost.calls ?? "–"],
      ["time", `${fixed(cost.seconds)} s`],
      ["spent on previews", `${Math.round(1000 * cost.previews)} ms`],
      ["first preview after", `${fixed(cost.first)} s`],
      ["memory", megabytes(cost.memory)],
    ];
    body.querySelector("table").innerHTML = rows.map(([name, value]) => `<tr><td>${name}<td>${value}`).join("");
  },
});
