// Two of the history beside each other: wiped, side by side, or blended; and below, what of their settings differs.
import { create } from "./dom.js";
import { icon } from "./icons.js";

const DIALOG = `<dialog class="compare own-keys" aria-label="Compare two results">
  <header>
    <div class="seg" role="group" aria-label="How to compare">
      <button type="button" data-way="wipe">Wipe</button>
      <button type="button" data-way="beside">Side by side</button>
      <button type="button" data-way="blend">Blend</button>
    </div>
    <button type="button" class="icon" data-do="close" aria-label="Close" title="Close (Esc)">${icon("close")}</button>
  </header>
  <div class="both"><img alt="The first"><img alt="The second"></div>
  <input type="range" min="0" max="100" value="50" aria-label="How much of each is shown">
  <table></table>
</dialog>`;

const show = (value) =>
  value === undefined ? "–" : typeof value === "string" ? value || "–" : JSON.stringify(value);

/** Rows of the settings in which two differ: [name, of the first, of the second]. */
export function differences(first, second) {
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  return names
    .map((name) => [name.replaceAll("_", " "), show(first[name]), show(second[name])])
    .filter(([, a, b]) => a !== b);
}

export function openCompare([first, second]) {
  const dialog = create(DIALOG);
  const pair = dialog.querySelector(".both");
  const range = dialog.querySelector("[type=range]");
  for (const [i, entry] of [first, second].entries()) pair.children[i].src = entry.url;
  const table = dialog.querySelector("table");
  const rows = differences(first.settings, second.settings);
  for (const cells of rows.length ? rows : [["settings", "the same", "the same"]]) {
    const row = table.insertRow();
    for (const text of cells) row.insertCell().textContent = text;
  }
  function choose(way) {
    pair.dataset.way = way;
    range.hidden = way === "beside";
    for (const button of dialog.querySelectorAll("button[data-way]")) {
      button.classList.toggle("on", button.dataset.way === way);
      button.setAttribute("aria-pressed", button.dataset.way === way);
    }
  }
  const move = () => pair.style.setProperty("--at", range.value);
  range.addEventListener("input", move);
  pair.addEventListener("pointermove", (event) => {
    if (pair.dataset.way !== "wipe" || (event.pointerType === "touch" && !event.buttons)) return;
    const box = pair.getBoundingClientRect();
    range.value = (100 * (event.clientX - box.left)) / box.width;
    move();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target.dataset.way && target.tagName === "BUTTON") choose(target.dataset.way);
    if (target.dataset.do === "close") dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  choose("wipe");
  move();
  dialog.showModal();
  range.focus();
}
