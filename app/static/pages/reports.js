// Report cards: a table and a chart by what they are compared with, new evaluations, and people's own pictures.
import { create, fixed, toast } from "../core/dom.js";
import { registerPage } from "../core/registry.js";

const [WIDTH, HEIGHT, EDGE] = [620, 300, 46];
// figure: heading, what it is, and whether more of it is better (1) or less (-1)
const COLUMNS = {
  "KID × 1000": ["KID × 1000", "Kernel distance to real pictures; unbiased, and may be below 0", -1],
  Fréchet: ["Fréchet", "Distance of two Gaussians; biased upwards for few pictures", -1],
  CMMD: ["CMMD", "Distance with a Gaussian kernel; biased upwards for few pictures", -1],
  precision: ["precision", "Share of its pictures that lie among real ones", 1],
  recall: ["recall", "Share of real pictures that lie among its own", 1],
  density: ["density", "How many real neighbourhoods its pictures lie in", 1],
  coverage: ["coverage", "Share of real pictures that have one of its own near them", 1],
  "CLIP score": ["CLIP score", "How well pictures fit their captions", 1],
  "ms a picture": ["ms", "Milliseconds a picture, where it was measured", -1],
};
const BODY = `<section><div class="seg" role="group" aria-label="Compared with"></div>
    <div class="card ranking"><table class="beside"><thead></thead><tbody></tbody></table></div>
    <div class="card"><h4>Quality against time</h4>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Distance against milliseconds"></svg></div>
    <div class="card notes" aria-live="polite" hidden><h4></h4><p></p></div></section>
  <aside><form class="card model"><h4>Evaluate a model here</h4><label>Model<select name="model"></select></label>
      <label>Pictures a set, of three<input type="number" name="n" min="4" max="300" value="30"></label>
      <button type="submit" class="send">Evaluate</button></form>
    <form class="card own"><h4>Measure your own pictures</h4>
      <label>Pictures, or a zip of them<input type="file" name="mine" multiple accept="image/*,.zip"></label>
      <label>Against<select name="against"></select></label>
      <label class="real" hidden>Real pictures, or a zip<input type="file" name="real" multiple accept="image/*,.zip">
      </label><label>Seen with<select name="extractor"></select></label>
      <button type="submit" class="send">Measure</button></form>
    <figure class="card under" hidden><img alt="The newest picture"><figcaption></figcaption>
      <progress aria-label="Pictures so far"></progress><button type="button">Stop</button></figure></aside>`;

registerPage("reports", (element, _, { server, upload }) => {
  element.innerHTML = BODY;
  const [main, aside] = element.children;
  const [groups, , , notes] = main.children;
  const [head, body] = main.querySelectorAll("thead, tbody");
  const svg = main.querySelector("svg");
  const [model, own, under] = aside.children;
  let reports = [];
  let chosen = ""; // what is compared with
  let order = "KID × 1000";
  let token = ""; // of what is under way
  let draws = false; // whether a model draws for it
  let run = 0; // the newest; what older ones find is dropped

  const value = (report, key) => report.figures[key]?.[0] ?? null;

  /** A figure with its spread. */
  function written(report, key) {
    const [mean, spread] = report.figures[key] ?? [null, null];
    if (mean === null) return "";
    const digits = Math.abs(mean) >= 100 ? 0 : Math.abs(mean) >= 10 ? 1 : 2;
    return fixed(mean, digits) + (spread === null ? "" : ` <small>± ${fixed(spread, digits)}</small>`);
  }

  function show() {
    const against = [...new Set(reports.map((report) => report.against))];
    if (!against.includes(chosen)) chosen = against[0] ?? "";
    groups.replaceChildren(
      ...against.map((name) => {
        const button = create(`<button type="button" aria-pressed="${name === chosen}"></button>`);
        button.classList.toggle("on", name === chosen);
        button.textContent = name;
        button.onclick = () => {
          chosen = name;
          show();
          groups.querySelector(".on").focus();
        };
        return button;
      }),
    );
    const rows = reports.filter((report) => report.against === chosen);
    const columns = Object.keys(COLUMNS).filter((key) => rows.some((report) => value(report, key) !== null));
    const [, , better] = COLUMNS[order];
    rows.sort(
      (a, b) => (better > 0 ? -1 : 1) * ((value(a, order) ?? -1e9 * better) - (value(b, order) ?? -1e9 * better)),
    );
    head.replaceChildren(
      create(
        `<table><tr><th>${columns
          .map(
            (key) => `<th title="${COLUMNS[key][1]}"><button type="button" data-key="${key}"
          aria-pressed="${key === order}">${COLUMNS[key][0]}</button>`,
          )
          .join("")}<th title="Memory of the process, MB">MB<th title="Pictures a set, and sets">n</table>`,
      ).querySelector("tr"),
    );
    /** Whether a figure is the best of those that can be compared: of as many pictures, seen alike. */
    const best = (report, key) =>
      rows
        .filter(({ n, extractor }) => n === report.n && extractor === report.extractor)
        .every((other) => COLUMNS[key][2] * ((value(other, key) ?? value(report, key)) - value(report, key)) <= 0);
    body.replaceChildren(
      ...rows.map((report) => {
        const row = create(
          `<table><tr><th scope="row">${columns
            .map((key) => {
              const found = value(report, key);
              return `<td class="${found !== null && best(report, key) ? "best" : ""}">${written(report, key)}`;
            })
            .join("")}<td>${report.memory}<td>${report.n} × ${report.sets}</table>`,
        ).querySelector("tr");
        const button = create('<button type="button" title="What to know of these figures"></button>');
        button.textContent = report.title + (report.here ? " (here)" : "");
        button.onclick = () => explain(report);
        row.firstElementChild.append(button);
        return row;
      }),
    );
    for (const { n, floor } of new Map(
      rows.filter((row) => "KID × 1000" in row.floor).map((row) => [row.n, row]),
    ).values())
      body.append(
        create(
          `<table><tr class="floor"><th scope="row">${n} real pictures${columns
            .map((key) => `<td>${key in floor ? fixed(floor[key], 2) : ""}`)
            .join("")}<td><td>${n}</table>`,
        ).querySelector("tr"),
      );
    draw(rows.filter((report) => value(report, "ms a picture") !== null));
  }

  function explain(report) {
    notes.hidden = false;
    notes.firstElementChild.textContent = report.title;
    notes.lastElementChild.textContent = [...report.notes, `Seen with: ${report.extractor}.`].join(" ");
  }

  /** Each report as a dot: milliseconds to the right, distance upwards, both by their logarithm. */
  function draw(rows) {
    svg.parentElement.hidden = rows.length < 2;
    if (svg.parentElement.hidden) return;
    const points = rows.map((report) => [
      Math.log10(Math.max(value(report, "ms a picture"), 0.1)),
      Math.log10(Math.max(value(report, "KID × 1000"), 0.01)),
    ]);
    const span = (k) => [Math.min(...points.map((p) => p[k])), Math.max(...points.map((p) => p[k]))];
    const [[left, right], [low, high]] = [span(0), span(1)];
    const middle = (left + right) / 2;
    const across = (v) => EDGE + ((v - left) / Math.max(right - left, 1e-6)) * (WIDTH - 2 * EDGE);
    const down = (v) => HEIGHT - EDGE - ((v - low) / Math.max(high - low, 1e-6)) * (HEIGHT - 2 * EDGE);
    svg.innerHTML = `<path d="M${EDGE} 12V${HEIGHT - EDGE}H${WIDTH - 12}" fill="none" stroke="var(--edge-line)"/>
      <text x="${EDGE}" y="10">KID × 1000</text>
      <text x="${WIDTH - 12}" y="${HEIGHT - 12}" text-anchor="end">milliseconds a picture</text>
      <text x="${EDGE}" y="${HEIGHT - 28}">${fixed(10 ** left, 0)}</text>
      <text x="${across(right)}" y="${HEIGHT - 28}">${fixed(10 ** right, 0)}</text>
      <text x="${EDGE - 6}" y="${HEIGHT - EDGE}" text-anchor="end">${fixed(10 ** low, 1)}</text>
      <text x="${EDGE - 6}" y="${down(high) + 4}" text-anchor="end">${fixed(10 ** high, 1)}</text>`;
    points.forEach(([x, y], k) => {
      const dot = create(`<svg><g><circle cx="${across(x)}" cy="${down(y)}" r="5" fill="var(--safelight)"/>
        <text x="${across(x) + (x > middle ? -9 : 9)}" y="${down(y) + 4}"
          text-anchor="${x > middle ? "end" : "start"}"></text></g></svg>`).firstElementChild;
      dot.lastElementChild.textContent = rows[k].title;
      svg.append(dot);
    });
  }

  head.addEventListener("click", ({ target }) => {
    if (!target.dataset.key) return;
    order = target.dataset.key;
    show();
    head.querySelector("[aria-pressed=true]").focus();
  });

  /** Ask the server; what is no answer is an error with a sentence. */
  async function ask(name, ...given) {
    const answer = await server[name](given).catch(() => null);
    if (!answer) throw new Error("The server does not answer: is it still running?");
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  /** Follow what begins until its report, or a stop. */
  async function follow(begin, drawing) {
    draws = drawing;
    for (const button of aside.querySelectorAll(".send")) button.disabled = true;
    under.hidden = false;
    under.querySelector("figcaption").textContent = "Begins …";
    const mine = ++run;
    try {
      const begun = (await begin()).token;
      if (mine !== run) return await ask("stop", begun);
      token = begun;
      while (mine === run) {
        const found = await ask("follow", begun);
        if (mine !== run) break;
        if (found.report) {
          const same = ({ name, label, against, here }) =>
            here && name === found.report.name && label === found.report.label && against === found.report.against;
          reports = [found.report, ...reports.filter((report) => !same(report))];
          chosen = found.report.against;
          show();
          explain(found.report);
          break;
        }
        const image = under.querySelector("img");
        image.hidden = !found.picture;
        if (found.picture) image.src = found.picture;
        under.querySelector("figcaption").textContent = `${found.done} of ${found.total}: ${found.text}`;
        Object.assign(under.querySelector("progress"), { value: found.done, max: found.total });
      }
    } catch (error) {
      if (mine === run) toast(error.message, true);
    } finally {
      if (mine === run) rest();
    }
  }

  /** Nothing is under way. */
  function rest() {
    for (const button of aside.querySelectorAll(".send")) button.disabled = false;
    under.hidden = true;
    token = "";
  }

  model.addEventListener("submit", (event) => {
    event.preventDefault();
    const [name, label] = JSON.parse(model.elements.model.value);
    follow(() => ask("begin_evaluation", name, label, Number(model.elements.n.value)), true);
  });
  own.elements.against.onchange = ({ target }) => {
    own.querySelector(".real").hidden = target.value !== "";
  };
  own.addEventListener("submit", (event) => {
    event.preventDefault();
    const send = async (input) => {
      const paths = [];
      for (const file of input.files) paths.push((await upload(file)).path);
      return paths;
    };
    const { mine, real, against, extractor } = own.elements;
    follow(
      async () => ask("begin_scoring", await send(mine), against.value || (await send(real)), extractor.value),
      false,
    );
  });
  under.querySelector("button").onclick = async () => {
    const stopped = token;
    run++;
    rest();
    toast(`Stopped.${draws ? " What was drawn is kept: the next evaluation of the same goes on from it." : ""}`);
    if (stopped) await ask("stop", stopped).catch(() => {});
  };

  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  /** The cards, once somebody looks: reading them takes the server a while, and the page has to be up first. */
  const opened = new IntersectionObserver(async ([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    try {
      const found = await ask("list_reports");
      opened.disconnect();
      reports = found.reports;
      model.elements.model.replaceChildren(
        ...found.choices.map((one) => option(JSON.stringify([one.name, one.label]), one.title)),
      );
      own.elements.against.replaceChildren(
        ...found.references.map((name) => option(name, `held-out pictures: ${name}`)),
        option("", "real pictures of your own"),
      );
      own.elements.extractor.replaceChildren(...found.extractors.map(([name, title]) => option(name, title)));
      own.elements.against.onchange({ target: own.elements.against });
      rest();
      show();
    } catch (error) {
      toast(error.message, true);
    }
  });
  for (const button of aside.querySelectorAll(".send")) button.disabled = true;
  opened.observe(element);
});
