// A run's curves: how far the estimate still moves and the noise level; the loss of what learns while one watches.
import { path } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

const cursor = (stage) => {
  const x = (stage.at * 262) / Math.max(1, stage.film.length - 1);
  return `<line x1="${x}" x2="${x}" y1="0" y2="92" stroke="var(--paper)"/>`;
};

registerCard({
  title: "How much each step changes it",
  html: `<svg id="curve" viewBox="0 0 262 92" role="img" aria-label="Change of the estimate, noise level"></svg>
    <div class="legend"><span>first step</span><span class="last">last</span></div>
    <div class="legend"><i class="moved"></i><span title="|Δx̂0|">change of the prediction</span>
      <i class="noise"></i><span title="σ / (a + σ)">noise left</span></div>`,
  applies: (frame) => Number.isFinite(frame.moved),
  draw(body, frame, stage) {
    const moved = stage.film.map((f) => f.moved || 0);
    const top = Math.max(...moved.slice(1), 1e-6);
    // RePaint's own way down, back up and down again, where there is one
    const noise = frame.schedule ?? stage.film.map((f) => f.sigma / (f.a + f.sigma) || 0);
    body.querySelector("svg").innerHTML =
      path(
        moved.map((v) => v / top),
        'stroke="var(--safelight)" stroke-width="2"',
      ) +
      path(noise, 'stroke="var(--mute)" stroke-dasharray="3 4"') +
      cursor(stage);
  },
});

registerCard({
  title: "Loss",
  html: '<svg id="loss" viewBox="0 0 262 92" role="img" aria-label="Loss, by step"></svg><small></small>',
  applies: (frame) => Number.isFinite(frame.loss),
  draw(body, frame, stage) {
    const losses = stage.film.map((f) => f.loss).filter(Number.isFinite);
    const top = Math.max(...losses, 1e-9);
    body.querySelector("svg").innerHTML =
      path(
        losses.map((v) => v / top),
        'stroke="var(--safelight)" stroke-width="2"',
      ) + cursor(stage);
    body.querySelector("small").textContent =
      `${Number(frame.loss).toPrecision(3)} now, ${top.toPrecision(3)} at most`;
  },
});
