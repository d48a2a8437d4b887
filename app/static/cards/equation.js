// The update of this step, in symbols and with its own numbers.
import { fixed } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "This step",
  folded: true,
  html: '<div id="equation" class="eq"></div>',
  applies: (frame) => Boolean(frame.equation),
  draw(body, frame) {
    const moved = Number.isFinite(frame.moved) ? ` · |Δx̂<sub>0</sub>| = ${fixed(frame.moved, 3)}` : "";
    const place = Number.isFinite(frame.a)
      ? `<small>a = ${fixed(frame.a)} · σ = ${fixed(frame.sigma)}${moved}</small>`
      : "";
    body.querySelector(".eq").innerHTML = frame.equation + place;
  },
});
