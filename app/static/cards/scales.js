// Next-scale prediction: how unsure each scale's codes were before the dice were thrown.
import { bars, fixed } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "Entropy a scale",
  html: `<svg viewBox="0 0 262 92" role="img" aria-label="Bits a code, by scale"></svg>
    <div class="legend"><span class="first"></span><span class="last"></span></div><small></small>`,
  applies: (frame) => Boolean(frame.entropies),
  draw(body, { entropies, sides }) {
    const blank = Array(sides.length - entropies.length).fill(0); // scales to come
    body.querySelector("svg").innerHTML = bars([...entropies, ...blank], 262);
    const [first, last] = [sides[0], sides.at(-1)].map((n) => `${n} × ${n} cells`);
    body.querySelector(".first").textContent = first;
    body.querySelector(".last").textContent = last;
    body.querySelector("small").textContent = `${fixed(entropies.at(-1))} bits a code of this scale were left open`;
  },
});
