// What the bench measures: distance by rounds, what each family can say, and the one that is large in numbers.
import { create, fixed } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

const HUES = ["#e4572e", "#f3a712", "#a8c686", "#669bbc", "#b388eb", "#ff8fab"];
const isPlane = (frame) => frame.view?.kind === "plane";
/** Where a distance lies on an axis of three decades: 1 is a Gaussian's, 0 a thousandth of it. */
const height = (energy) => 1 + Math.log10(Math.max(energy, 1e-3)) / 3;

registerCard({
  title: "Distance from the data",
  html: `<svg viewBox="0 0 262 92" role="img" aria-label="Energy distance of each family, by round"></svg>
    <div class="legend"><span>1 is one Gaussian's</span><span class="last">0.001 at the bottom</span></div>
    <div class="legend families"></div>
    <svg viewBox="0 0 262 92" role="img" aria-label="Parts of the data that each family misses, by round"></svg>
    <div class="legend"><span>parts missed: all at the top</span></div>`,
  applies: isPlane,
  draw(body, { view }, stage) {
    const draw = (value) =>
      view.families
        .map(({ name, scores }, i) => {
          const width = !stage.focus || stage.focus === name ? 2 : 0.7;
          const points = view.curves.map((line) => {
            const x = (262 * line.round) / Math.max(view.rounds, 1);
            return `${x.toFixed(1)} ${(88 - 82 * Math.min(1, value(line, i, scores))).toFixed(1)}`;
          });
          return `<path d="M${points.join("L")}" fill="none" stroke="${HUES[i]}" stroke-width="${width}"/>`;
        })
        .join("");
    const [distance, missed] = body.querySelectorAll("svg");
    distance.innerHTML = draw(({ energy }, i) => height(energy[i] ?? 1));
    missed.innerHTML = draw((line, i, { parts }) => line.missed[i] / parts);
    body.querySelector(".families").replaceChildren(
      ...view.families.map(({ title }, i) => {
        const entry = create("<span><i></i></span>");
        entry.firstElementChild.style.color = HUES[i];
        entry.append(title);
        return entry;
      }),
    );
  },
});

registerCard({
  title: "Beside each other",
  html: `<table class="beside"><thead><tr><th><th title="nats a point, of points that were not learnt from">−log p
    <th title="parts of the data that it hardly makes">missed<th title="network calls a sample">calls
    <th title="milliseconds for 2,000 samples">ms</thead><tbody></tbody></table>`,
  applies: isPlane,
  draw(body, { view }) {
    const rows = view.families.map(({ title, likelihood, scores }) => {
      const nll = scores.nll === undefined ? "none" : `${likelihood === "bound" ? "≤ " : ""}${fixed(scores.nll)}`;
      const row = create(`<table><tr><th scope="row"></th><td>${nll}<td>${scores.missed ?? "–"}/${scores.parts}
        <td>${scores.calls}<td>${fixed(scores.milliseconds, 0)}</table>`).querySelector("tr");
      row.firstElementChild.textContent = title;
      return row;
    });
    body.querySelector("tbody").replaceChildren(...rows);
  },
});

registerCard({
  title: "Inside",
  html: '<p></p><svg viewBox="0 0 262 92" role="img" aria-label="Loss by noise level"></svg><small></small>',
  applies: (frame, stage) => isPlane(frame) && frame.view.families.some(({ name }) => name === stage.focus),
  draw(body, { view }, stage) {
    const family = view.families.find(({ name }) => name === stage.focus);
    const losses = Object.entries(family.losses).map(([name, value]) => `${name} ${fixed(value, 3)}`);
    const straight = family.straightness;
    if (straight !== undefined) losses.push(`straightness ${fixed(straight, 3)} (0 is straight)`);
    body.querySelector("p").textContent = [losses.join(" · "), family.diagnosis].filter(Boolean).join(". ");
    const levels = family.levels ?? [];
    const top = Math.max(...levels, 1e-9);
    const svg = body.querySelector("svg");
    svg.style.display = levels.length ? "" : "none";
    svg.innerHTML = levels
      .map((v, i) => {
        const tall = (82 * v) / top;
        return `<rect x="${i * 33}" width="29" y="${90 - tall}" height="${tall}" fill="var(--safelight)"/>`;
      })
      .join("");
    body.querySelector("small").textContent = levels.length ? "loss by noise level: data on the left" : "";
  },
});
