// The family tree: a lane for each kind, years from left to right; what runs here is bright and can be opened.
import { create } from "../core/dom.js";
import { registerPage } from "../core/registry.js";

const LEAST = 96; // pixels of a year
const ROW = 30;
const HEAD = 30;

/** Rows of a lane, so that no title lies on another: each node gets the first row that is free at its year. */
function layRows(nodes, first, wide) {
  const rows = [];
  for (const node of nodes) {
    const x = (node.year - first) * wide;
    let row = rows.findIndex((end) => end <= x);
    if (row < 0) row = rows.push(0) - 1;
    rows[row] = x + wide;
    Object.assign(node, { x, row });
  }
  return rows.length;
}

registerPage("map", (element, { kinds, nodes }, { open }) => {
  const first = Math.min(...nodes.map((node) => node.year));
  const years = Math.max(...nodes.map((node) => node.year)) - first + 1;
  const wide = Math.max(LEAST, Math.floor((Math.min(innerWidth, 1600) - 90) / years));
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const sheet = create('<div class="tree"><svg aria-hidden="true"></svg></div>');
  const about = create('<div class="card about" aria-live="polite"></div>');
  element.append(create("<p>What came from what. Those in red run here: a click says more.</p>"));
  const scroll = create('<div class="scroll" tabindex="0" role="region" aria-label="Family tree"></div>');
  scroll.append(sheet);
  element.append(scroll, about);

  let top = HEAD;
  for (let i = 0; i < years; i++) {
    const mark = create(`<i class="year">${first + i}</i>`);
    mark.style.left = `${i * wide}px`;
    sheet.append(mark);
  }
  for (const [kind, { title }] of Object.entries(kinds)) {
    const lane = nodes.filter((node) => node.kind === kind);
    const rows = layRows(lane, first, wide);
    const label = create('<b class="lane"></b>');
    label.textContent = title;
    label.style.top = `${top}px`;
    sheet.append(label);
    top += 24;
    for (const node of lane) {
      node.y = top + node.row * ROW;
      const button = create(`<button type="button" data-node="${node.name}"></button>`);
      button.textContent = button.title = node.title;
      button.classList.toggle("here", Boolean(node.model));
      button.style.cssText = `left:${node.x}px;top:${node.y}px;max-width:${wide - 8}px`;
      button.onclick = () => choose(node, button);
      sheet.append(button);
    }
    top += rows * ROW + 10;
  }
  sheet.style.cssText = `width:${years * wide}px;height:${top}px`;
  const links = nodes.flatMap((node) => node.parents.map((name) => [byName.get(name), node])).filter(([a]) => a);
  const svg = sheet.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${years * wide} ${top}`);
  svg.innerHTML = links
    .map(([a, b]) => {
      const [x, y, u, v] = [a.x + 40, a.y + 11, b.x, b.y + 11];
      const bend = Math.max(24, (u - x) / 2);
      const curve = `M${x} ${y}C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`;
      return `<path data-from="${a.name}" data-to="${b.name}" d="${curve}"/>`;
    })
    .join("");

  function choose(node, button) {
    const kind = kinds[node.kind];
    for (const other of sheet.querySelectorAll("button")) other.setAttribute("aria-pressed", other === button);
    for (const line of svg.children)
      line.classList.toggle("on", [line.dataset.from, line.dataset.to].includes(node.name));
    about.replaceChildren(create("<h4></h4>"), create("<p></p>"), create("<table></table>"));
    about.children[0].textContent = `${node.title}, ${node.year}`;
    about.children[1].textContent = node.paper;
    const parents = node.parents.map((name) => byName.get(name)?.title).filter(Boolean);
    const rows = { "Came from": parents.join(", ") || "nothing before it here", Kind: kind.title };
    Object.assign(rows, { Likelihood: kind.likelihood, "Passes a sample": kind.passes, And: kind.word });
    for (const [name, value] of Object.entries(rows)) {
      const row = create("<table><tr><td><td></table>").querySelector("tr");
      row.children[0].textContent = name;
      row.children[1].textContent = value;
      about.children[2].append(row);
    }
    if (!node.model) return;
    const run = create('<button type="button" class="send">Open it</button>');
    run.onclick = () => open(node.tab, node.model);
    about.append(run);
  }
});
