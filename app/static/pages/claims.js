// Claims put to the test: controls, a curve that grows, and the verdict that was computed.
import { create, toast } from "../core/dom.js";
import { registerPage } from "../core/registry.js";

const [WIDTH, HEIGHT, EDGE] = [620, 340, 46];
const COLOURS = ["var(--safelight)", "var(--paper)", "#669bbc", "#a8c686"];
const BODY = `<nav class="list" aria-label="Experiments"></nav>
  <article><h3></h3><p class="claim"></p><p class="expected"></p><form class="controls"></form>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="What was found"></svg><div class="legend"></div>
    <div class="card verdict" aria-live="polite"><h4></h4><p></p></div></article>`;

registerPage("claims", (element, _, { server }) => {
  element.innerHTML = BODY;
  const [list, article] = element.children;
  const [heading, claim, expected, form, plot, legend, verdict] = article.children;
  let chosen = null;
  let run = 0; // the newest; what older ones find is dropped

  function choose(one) {
    chosen = one;
    run++;
    for (const button of list.querySelectorAll("button"))
      button.setAttribute("aria-pressed", button.dataset.name === one.name);
    heading.textContent = one.title;
    claim.textContent = `“${one.claim}”`;
    expected.textContent = `If it is true: ${one.expected} (${[one.system, one.source].filter(Boolean).join("; ")})`;
    form.replaceChildren(
      ...one.controls.map(({ name, title, help, low, high, step, value }) => {
        const row = create(`<label><span></span><input type="range" name="${name}" min="${low}" max="${high}"
          step="${step}" value="${value}"><output>${value}</output></label>`);
        row.firstElementChild.textContent = title;
        row.title = help;
        row.children[1].oninput = ({ target }) => {
          row.lastElementChild.textContent = target.value;
        };
        return row;
      }),
      create('<button type="submit" class="send">Run it</button>'),
    );
    plot.innerHTML = "";
    legend.replaceChildren();
    verdict.hidden = true;
  }

  function draw({ x, series }) {
    const to = (values, logarithmic) => values.map((v) => (logarithmic ? Math.log10(Math.max(v, 1e-9)) : v));
    const xs = to(x, chosen.logarithmic.includes("x"));
    const curves = Object.entries(series).map(([name, values]) => [
      name,
      to(values, chosen.logarithmic.includes("y")),
    ]);
    const all = curves.flatMap(([, values]) => values);
    const span = (values) => [Math.min(...values), Math.max(...values)];
    const [[left, right], [low, high]] = [span(xs), span(all)];
    const across = (v) => EDGE + ((v - left) / Math.max(right - left, 1e-9)) * (WIDTH - 2 * EDGE);
    const down = (v) => HEIGHT - EDGE - ((v - low) / Math.max(high - low, 1e-9)) * (HEIGHT - 2 * EDGE);
    const number = (v, logarithmic) => Number(logarithmic ? 10 ** v : v).toPrecision(2) * 1;
    const label = (at, text, anchor) => `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}">${text}</text>`;
    const lines = curves.map(([, values], k) => {
      const points = values.map((v, i) => `${across(xs[i]).toFixed(1)},${down(v).toFixed(1)}`);
      const dots = points.map(
        (p) => `<circle cx="${p.split(",")[0]}" cy="${p.split(",")[1]}" r="3" fill="${COLOURS[k]}"/>`,
      );
      const line = `<polyline points="${points.join(" ")}" fill="none" stroke="${COLOURS[k]}" stroke-width="2"/>`;
      return line + dots.join("");
    });
    const [lx, ly] = ["x", "y"].map((axis) => chosen.logarithmic.includes(axis));
    plot.innerHTML =
      `<path d="M${EDGE} ${EDGE / 2}V${HEIGHT - EDGE}H${WIDTH - EDGE / 2}" fill="none" stroke="var(--edge-line)"/>` +
      lines.join("") +
      label([EDGE, HEIGHT - EDGE + 18], number(left, lx), "middle") +
      label([WIDTH - EDGE, HEIGHT - EDGE + 18], number(right, lx), "middle") +
      label([WIDTH / 2, HEIGHT - 8], chosen.x, "middle") +
      label([EDGE - 6, HEIGHT - EDGE], number(low, ly), "end") +
      label([EDGE - 6, EDGE], number(high, ly), "end") +
      label([EDGE, 14], chosen.y, "start");
    legend.replaceChildren(
      ...curves.map(([name], k) => {
        const entry = create(`<span><i style="color: ${COLOURS[k]}"></i></span>`);
        entry.append(name);
        return entry;
      }),
    );
  }

  async function start() {
    const mine = ++run;
    const values = Object.fromEntries(
      [...form.querySelectorAll("input")].map(({ name, value }) => [name, Number(value)]),
    );
    verdict.hidden = true;
    form.lastElementChild.textContent = "Running …";
    try {
      const { token, error } = await server.begin_experiment([chosen.name, values]);
      if (error) throw new Error(error);
      for (;;) {
        const found = await server.go_on([token]);
        if (mine !== run) return;
        if (found.error) throw new Error(found.error);
        if (found.x.length) draw(found);
        if (!found.over) continue;
        verdict.hidden = false;
        verdict.classList.toggle("fails", !found.holds);
        verdict.firstElementChild.textContent = found.holds ? "It holds, here" : "It does not hold, here";
        verdict.lastElementChild.textContent = found.text;
        return;
      }
    } catch (error) {
      if (mine === run) toast(error.message || "The server does not answer: is it still running?", true);
    } finally {
      if (mine === run) form.lastElementChild.textContent = "Run it";
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  form.addEventListener("change", start);

  /** The list, once somebody looks: it takes the server a while, and the page has to be up first. */
  async function load() {
    const { experiments } = await server.list_experiments([]);
    const groups = Map.groupBy(experiments, ({ system }) => system);
    for (const [system, members] of groups) {
      const group = create("<section><h4></h4></section>");
      group.firstElementChild.textContent = system;
      for (const one of members) {
        const button = create(`<button type="button" data-name="${one.name}"></button>`);
        button.textContent = one.title;
        button.onclick = () => {
          choose(one);
          start();
        };
        group.append(button);
      }
      list.append(group);
    }
    choose(experiments[0]);
    start();
  }
  const opened = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    opened.disconnect();
    load();
  });
  opened.observe(element);
});
