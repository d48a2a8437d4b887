// What the classic families can say of themselves: the units of a code, and the loss by noise level.
import { bars, create, fixed } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "Units of the code",
  html: `<svg viewBox="0 0 262 92" role="img" aria-label="KL of each unit, largest first"></svg>
    <div class="legend"><span>KL of each unit, largest first</span><span class="last"></span></div>
    <table class="beside"><thead><tr><th><th title="of rebuilt held-out faces">dB<th title="KL in nats a face">nats
    <th title="units that say something">active</thead><tbody></tbody></table>`,
  applies: (frame) => Boolean(frame.units),
  draw(body, { units }) {
    const [svg, legend] = body.querySelectorAll("svg, .legend");
    for (const part of [svg, legend]) part.style.display = units.kl.length ? "" : "none";
    svg.innerHTML = bars(units.kl, 262);
    legend.lastElementChild.textContent = units.kl.length ? `${fixed(units.kl[0])} nats at most` : "";
    const rows = units.rows.map(([label, psnr, kl, active, here]) => {
      const row = create(`<table><tr><th scope="row"></th><td>${fixed(psnr, 1)}<td>${fixed(kl, 0)}
        <td>${active ?? "–"}</table>`).querySelector("tr");
      row.firstElementChild.textContent = label;
      row.classList.toggle("on", here);
      return row;
    });
    body.querySelector("tbody").replaceChildren(...rows);
  },
});

registerCard({
  title: "Loss by noise level",
  html: `<svg viewBox="0 0 262 92" role="img" aria-label="Error of the prediction by noise level"></svg>
    <div class="legend"><span>data</span><span class="last">noise</span></div><small></small>`,
  applies: (frame) => Boolean(frame.levels?.length),
  draw(body, { levels, sigma }) {
    body.querySelector("svg").innerHTML = bars(
      levels.map(([, v]) => v),
      262,
    );
    const t = (Math.asin(Math.min(1, sigma)) * 2) / Math.PI;
    const [, v, noise, data] = levels.reduce((a, b) => (Math.abs(b[0] - t) < Math.abs(a[0] - t) ? b : a));
    body.querySelector("small").textContent =
      `at this level: v ${fixed(v, 4)}, noise ${fixed(noise, 4)}, picture ${fixed(data, 4)}`;
  },
});

registerCard({
  title: "The path",
  html: `<svg viewBox="0 0 262 92" role="img" aria-label="The way, on its two principal components"></svg>
    <small>on its two principal components; a straight line would be one</small>
    <svg viewBox="0 0 262 92" role="img" aria-label="Four places of the latent, by time"></svg>
    <div class="legend"><span>four places of the latent</span><span class="last"></span></div>`,
  applies: (frame) => Boolean(frame.path),
  draw(body, { path: way }) {
    const [whole, places] = body.querySelectorAll("svg");
    const span = (values) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return (v) => (v - low) / Math.max(high - low, 1e-9);
    };
    const lines = (x, rows, colour) =>
      `<path d="M${rows.map((y, i) => `${(4 + 254 * x[i]).toFixed(1)} ${(88 - 82 * y).toFixed(1)}`).join("L")}"
        fill="none" stroke="${colour}" stroke-width="2"/>`;
    const [a, b] = [0, 1].map((k) => way.components.map((row) => row[k] ?? 0));
    const wide = span([...a, ...b]); // one scale for both: a small bend is to look small
    whole.innerHTML =
      lines(
        a.map(span(a)),
        b.map((v) => wide(v - Math.min(...b) + Math.min(...a, ...b))),
        "var(--safelight)",
      ) +
      a
        .map(
          (v, i) => `<circle cx="${4 + 254 * span(a)(v)}" r="2.5" fill="var(--paper)"
        cy="${88 - 82 * wide(b[i] - Math.min(...b) + Math.min(...a, ...b))}"/>`,
        )
        .join("");
    const at = way.times.map(span(way.times));
    const tall = span(way.places.flat());
    const tones = ["var(--safelight)", "var(--paper)", "var(--mute)", "#669bbc"];
    places.innerHTML = tones
      .map((tone, k) =>
        lines(
          at,
          way.places.map((row) => tall(row[k])),
          tone,
        ),
      )
      .join("");
    body.querySelector(".last").textContent =
      `t from ${fixed(Math.min(...way.times))} to ${fixed(Math.max(...way.times))}`;
  },
});
