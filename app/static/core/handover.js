// "Use it in: Edit · Sketch · …": what is seen, finished or not, goes into the input editor of another tab; its
// words too, where none are there yet. Who offers what follows from what the viewer gives and what the tabs accept.
import { create, hideToast } from "./dom.js";

let tabs = []; // { name, title, accepts, handOver }
let stageOf = () => null;
let marked = ""; // the tab that is open

export function setTabs(list, find) {
  tabs = list;
  stageOf = find;
  // on a phone: one row to scroll; Gradio would hide most of them in a menu
  const row = create('<nav id="tabrow" aria-label="Tabs"></nav>');
  for (const tab of tabs) {
    const button = create(`<button type="button" data-tab="${tab.name}"></button>`);
    button.textContent = tab.title;
    button.onclick = () => showTab(tab.name);
    row.append(button);
  }
  document.getElementById("tabrow")?.remove();
  document.getElementById("tabs").before(row);
  markTab();
  new MutationObserver(markTab).observe(document.getElementById("tabs"), {
    subtree: true,
    attributes: true,
    attributeFilter: ["aria-selected"],
  });
}

document.addEventListener(
  "click",
  ({ target }) => target.closest?.("#tabs [role=tab], #tabrow button") && hideToast(),
);

function markTab() {
  const open = document.querySelector('#tabs [role=tab][aria-selected="true"]')?.id;
  const name = open?.replace(/^tab-|-button$/g, "");
  if (name && name !== marked) stageOf(name).showOpened();
  marked = name;
  for (const button of document.getElementById("tabrow").children) {
    const on = open === `tab-${button.dataset.tab}-button`;
    if (on) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
    if (on) button.scrollIntoView({ inline: "nearest", block: "nearest" });
  }
}

/** The tab that a digit opens: 1 the first, 0 the tenth. */
export const tabAt = (key) => (/^\d$/.test(key) ? tabs[(Number(key) + 9) % 10]?.name : undefined);

/** What a tab's editor takes: "image", "audio" or nothing. */
export const accepts = (name) => tabs.find((tab) => tab.name === name)?.accepts;

/**
 * Open a tab. Gradio keeps a second, hidden row of buttons to measure, and on a phone a menu: whichever is there acts.
 * By their ids, since a page that the browser translates has other words; those of the menu have none.
 */
export function showTab(name) {
  const title = tabs.find((tab) => tab.name === name)?.title;
  const named = [...document.querySelectorAll(`[id="tab-${name}-button"]`)];
  const listed = [...document.querySelectorAll("#tabs button")].filter((b) => b.textContent.trim() === title);
  for (const button of named.length ? named : listed) button.click();
}

/** What a stage has to give: of the canvas, the picture on it; else what its viewer shows. */
function gifts(stage) {
  if (stage.layer === "input") return { image: () => stage.editor.get("image") };
  return stage.current?.give ?? {};
}

export function offerHandover(stage) {
  const given = gifts(stage);
  const editing = stage.layer === "input";
  const takers = tabs.filter((tab) => tab.handOver && tab.accepts in given && !(editing && tab.name === stage.tab));
  const box = stage.$("send");
  box.dataset.several = takers.length > 1;
  box.replaceChildren(
    ...takers.map((tab) => {
      const button = create(`<button type="button" class="send" data-to="${tab.name}">${tab.handOver}</button>`);
      button.onclick = () => handOver(stage, tab, given[tab.accepts]);
      return button;
    }),
  );
  box.hidden = !takers.length;
}

function handOver(stage, tab, give) {
  const value = give();
  const prompt = (name) => document.querySelector(`#${name}-prompt textarea`);
  showTab(tab.name);
  // by then a tab that is seen for the first time has its first values
  setTimeout(() => requestAnimationFrame(fill), 50);
  function fill() {
    stageOf(tab.name).give({ [tab.accepts]: value, first: true });
    if (!tab.takesWords || !prompt(stage.tab)?.value || prompt(tab.name)?.value !== "") return;
    prompt(tab.name).value = prompt(stage.tab).value;
    prompt(tab.name).dispatchEvent(new Event("input", { bubbles: true }));
  }
}
