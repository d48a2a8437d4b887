// Of a clip: one column of pixels through time, and the change from each frame to the next.
import { path } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "One column of pixels through time",
  html: `<canvas id="slice" class="slice" role="img" aria-label="The column, frame by frame"></canvas>
    <input id="column" type="range" min="0" max="127" value="64" aria-label="Column">`,
  applies: (frame) => frame.view.kind === "video",
  mount(body, stage) {
    const slider = body.querySelector("input");
    const viewer = () => stage.viewer("video");
    const mark = (on) => {
      viewer().column = on ? Number(slider.value) : null;
      viewer().paint();
    };
    slider.addEventListener("focus", () => mark(true));
    slider.addEventListener("blur", () => mark(false));
    slider.addEventListener("input", () => {
      mark(true);
      viewer().slice(body.querySelector("canvas"), Number(slider.value));
    });
  },
  draw(body, _frame, stage) {
    const slider = body.querySelector("input");
    const viewer = stage.viewer("video");
    viewer.loaded = () => {
      if (viewer.width()) slider.max = viewer.width() - 1;
      viewer.slice(body.querySelector("canvas"), Number(slider.value));
    };
    viewer.loaded();
  },
});

registerCard({
  title: "What moves where",
  html: `<svg viewBox="0 0 256 256" class="layout paths" role="img" aria-label="Boxes, first and last"></svg>
    <small></small>`,
  applies: (frame) => Boolean(frame.paths),
  draw(body, { paths }) {
    const box = ([left, top, right, bottom], mark) =>
      `<rect ${mark} x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/>`;
    const middle = ([left, top, right, bottom]) => [(left + right) / 2, (top + bottom) / 2];
    const svg = body.querySelector("svg");
    svg.innerHTML = paths.things
      .map(({ from, to }) => {
        const [[x, y], [u, v]] = [middle(from), middle(to)];
        return `<g>${box(from, "")}${box(to, 'stroke-dasharray="4 4"')}<path d="M${x} ${y}L${u} ${v}"/>
          <circle cx="${u}" cy="${v}" r="4"/><text x="${from[0] + 5}" y="${from[1] + 16}"></text></g>`;
      })
      .join("");
    for (const [k, text] of svg.querySelectorAll("text").entries()) text.textContent = paths.things[k].name;
    svg.toggleAttribute("hidden", !paths.things.length);
    body.querySelector("small").textContent = paths.request.join(" · ");
  },
});

const DASHES = ["", "6 3", "2 3"];

registerCard({
  title: "Change from each frame to the next",
  html: `<svg id="changes" viewBox="0 0 262 92" role="img" aria-label="Mean difference of neighbouring frames"></svg>
    <small id="flicker"></small>`,
  applies: (frame) => Boolean(frame.changes),
  draw(body, { changes, ways, real }) {
    const top = Math.max(0.5, real || 0, ...changes.flat());
    const mean = (line) => line.reduce((a, b) => a + b, 0) / Math.max(1, line.length);
    const curves = changes.map((line, i) => {
      const stroke = `stroke="var(${i ? "--mute" : "--safelight"})" stroke-width="2" stroke-dasharray="${DASHES[i]}"`;
      return path(
        line.map((v) => v / top),
        stroke,
      );
    });
    if (real) curves.push(path([real / top, real / top], 'stroke="var(--paper)" stroke-dasharray="1 4"'));
    body.querySelector("svg").innerHTML = curves.join("");
    const means = changes.map((line, i) => `${ways[i]} ${mean(line).toFixed(1)}`).join(" · ");
    body.querySelector("small").textContent =
      `mean of 255: ${means}${real ? ` · real clips ${real} (dotted)` : ""}`;
  },
});
