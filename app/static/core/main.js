// The page: messages from the server to the tab that they are for, keys, and files that are dropped or pasted.
// Gradio's hooks reach it as `darkroom`, a promise of this module (see app/theme.py).
import "../viewers/image.js";
import "../viewers/video.js";
import "../viewers/audio.js";
import "../viewers/gaussians.js";
import "../viewers/points.js";
import "../viewers/plane.js";
import "../inputs/mask.js";
import "../inputs/sketch.js";
import "../inputs/frames.js";
import "../inputs/pictures.js";
import "../inputs/sound.js";
import "../inputs/points.js";
import "../inputs/corners.js";
import "../cards/attention.js";
import "../cards/layout.js";
import "../cards/controls.js";
import "../cards/curves.js";
import "../cards/video.js";
import "../cards/audio.js";
import "../cards/equation.js";
import "../cards/cost.js";
import "../cards/plane.js";
import "../cards/classics.js";
import "../cards/scales.js";
import "../pages/map.js";
import "../pages/reports.js";
import "../pages/chooser.js";
import "../pages/ballot.js";
import "../pages/claims.js";
import { mountLoras as fillLoras } from "../inputs/loras.js";
import { byId, megabytes, toast } from "./dom.js";
import { saveForm as saveDraft } from "./drafts.js";
import { accepts, offerHandover, setTabs, showTab, tabAt } from "./handover.js";
import { History } from "./history.js";
import { hasOwnKeys } from "./keys.js";
import { offerLessons, setLessons } from "./lessons.js";
import { switchPages } from "./pages.js";
import { keepPrompt, recallPrompt } from "./prompts.js";
import { showLook } from "./replay.js";
import { Stage } from "./stage.js";

export { savedForms } from "./drafts.js";

const stages = {};
const entries = new History({ openTab: () => openTab(), stage: (tab) => stage(tab), showTab, accepts });

/** The stage of a tab. */
export function stage(tab) {
  stages[tab] ??= new Stage(tab, entries);
  return stages[tab];
}

// --- a darkroom is dark, unless somebody wants it light

const lit = () => localStorage.getItem("darkroom-light") === "yes";
function dim() {
  document.body.classList.toggle("dark", !lit());
  if (byId("light")) byId("light").textContent = lit() ? "Dark mode" : "Light mode";
}
export function switchLight() {
  localStorage.setItem("darkroom-light", lit() ? "no" : "yes");
  dim();
  for (const one of Object.values(stages)) one.draw(); // what is drawn on a canvas keeps its colours
}
dim();

const ownerOf = (element) => element.closest(".desk").id.replace(/-desk$/, "");

/** The tab that is seen. */
const openTab = () =>
  [...document.querySelectorAll(".desk")].find((desk) => desk.offsetParent)?.id.replace(/-desk$/, "");

// --- Gradio mounts one element after the other; a stage waits for nobody

export const mountStage = (element, trigger) =>
  stage(ownerOf(element)).mount(element.querySelector("[data-stage]"), trigger);
export const mountInspector = (element) => stage(ownerOf(element)).mountInspector(element.querySelector(".cards"));
export function mountEditor(element) {
  const box = element.querySelector("[data-editor]");
  const mine = stage(ownerOf(element));
  if (mine.root) mine.mountEditor(box);
  else requestAnimationFrame(() => mountEditor(element));
}

export const mountPages = (element, server, upload) =>
  switchPages(element.querySelector("[data-pages]"), {
    server,
    upload,
    open: openModel,
    owner: () => entries.owner,
  });

/** A model in the tab that runs it. */
function openModel(tab, name) {
  showTab(tab);
  requestAnimationFrame(() => {
    document.querySelector(`#${tab}-model input[value="${name}"]`)?.click();
    document.querySelector(`#${tab}-desk`)?.dispatchEvent(new Event("home"));
  });
}

export const mountLoras = (element, props, watch, server) => {
  const mine = stage(ownerOf(element));
  fillLoras(element, props, watch, server, () => {
    const bases = mine.model?.loras ?? {};
    return bases[mine.form?.values?.world ?? ""] ?? Object.values(bases)[0];
  });
};

export const mountHistory = (element, server, trigger) => entries.mount(element, server, trigger);

// --- messages

async function copyLink(link) {
  const url = `${location.origin}${location.pathname}?s=${link}`;
  history.replaceState(null, "", url);
  try {
    await navigator.clipboard.writeText(url);
    toast("The link to these settings is copied.");
  } catch {
    toast("The link to these settings is in the address bar.");
  }
}

export function receive(text) {
  if (!text) return;
  const message = JSON.parse(text);
  if (message.hello) {
    byId("s-memory").textContent = megabytes(message.hello.memory);
    setTabs(message.hello.tabs, stage);
    dim();
    entries.setOwner(message.hello.owner);
    setLessons(message.hello.lessons, { stage, showTab });
    for (const one of Object.values(stages)) if (one.layer === "input") offerHandover(one);
    if (message.tab) showTab(message.tab); // of a link
  }
  if (message.tab) stage(message.tab).receive(message);
  if (message.link) copyLink(message.link);
  if (message.say) toast(message.say);
  if (message.kept) toast(message.kept, true);
  if (message.error) toast(message.error, true);
}

// --- what Gradio's events ask of the browser

/** A run begins: values are owner, "settings in files", the model's name, "new seed", the inputs, the form. */
export function run(tab, values, seedAt) {
  const goesOn = stage(tab).editor?.continues?.(); // after a pause, with its own seed
  values[seedAt] = stage(tab).begin(values[3] && !goesOn, values[seedAt]);
  keepPrompt(stage(tab).form.prompt?.value);
  values[4] = JSON.stringify({ run: stage(tab).run, inputs: stage(tab).inputs() });
  if (stage(tab).only) values[0] = ""; // a single step is looked at, not kept
  stage(tab).only = 0;
  return values;
}

/** A form changed: names of its controls, and their values in the same order. */
export function saveForm(tab, names, values) {
  const form = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  saveDraft(tab, form);
  stage(tab).form?.changed(form);
  document.dispatchEvent(new Event("form"));
}

export const end = (tab) => stage(tab).end();
export const stop = (tab) => stage(tab).stop();
export const redraw = (tab) => stage(tab).inputChanged();
export const get = (tab, name) => stage(tab).editor.get(name);
export const inputs = (tab) => JSON.stringify(stage(tab).inputs());

/** Which tab is open, and whether something is given there that no link can carry. */
export function whereabouts() {
  const { editor } = stage(openTab());
  const given = editor?.link ? editor.link() : stage(openTab()).hasInput() ? null : {};
  return JSON.stringify({ tab: openTab(), input: given === null, given: given ?? {} });
}

/** The run that is under way in a tab, if any, and what was given to it. */
export const underWay = (tab) => [stage(tab).run, inputs(tab)];

// --- keys

document.addEventListener(
  "keydown",
  (event) => {
    const tab = openTab();
    if (!tab || event.altKey || event.shiftKey || document.querySelector("dialog[open]")) return;
    const { target, key } = event;
    if (!stage(tab).root && !tabAt(key)) return; // a tab without a stage has keys of its own
    const command = event.ctrlKey || event.metaKey;
    const press = (id) => byId(`${tab}-${id}`)?.click();
    const opened = "[aria-expanded=true], :popover-open *, :popover-open";
    const listIsOpen = target.matches?.(opened);
    if (key === "Enter" && command) press("generate");
    else if (
      key === "Enter" &&
      !event.isComposing &&
      target === stage(tab).form?.prompt &&
      stage(tab).live.drafting
    )
      press("generate");
    else if (!command && target === stage(tab).form?.prompt && recallPrompt(target, key)) event.preventDefault();
    else if (command) return;
    else if (key === "Escape" && stage(tab).running && !listIsOpen) press("stop");
    else if (key === "Escape" && entries.comparing) entries.comparing = null;
    else if (key === "ArrowLeft" && !hasOwnKeys(target)) stage(tab).step(-1);
    else if (key === "ArrowRight" && !hasOwnKeys(target)) stage(tab).step(1);
    else if (!hasOwnKeys(target) && tabAt(key)) showTab(tabAt(key));
    else if (!hasOwnKeys(target) && key === "i") document.body.classList.toggle("without-inspector");
    else if (hasOwnKeys(target) || (key === " " && target.matches("button, a, summary"))) return;
    else if (!stage(tab).bar.press(key)) return;
    event.preventDefault();
  },
  true,
);

// --- numbers: when a slider's box is left, Gradio would make a blank 1 and 999 the most, without a word; it stays as
// it was typed, and Settings refuse it in a sentence
document.addEventListener(
  "blur",
  (event) => {
    if (!event.target.matches?.("input[type=number][min][max]")) return;
    const { value, validity } = event.target;
    if (!value || validity.rangeUnderflow || validity.rangeOverflow) event.stopPropagation();
  },
  true,
);

// --- files: whatever is dropped or pasted goes to the open tab

const receiver = () => document.querySelector(`#${openTab()}-drop input[type=file]`);

export const openLessons = () => offerLessons(byId("lessons"));

/** The dialog that chooses a file. */
export const choose = () => stage(openTab()).chooseFile();

/** An editor that wants many files takes them in the browser; elsewhere the first one goes to the server. */
function take(files) {
  const editor = stage(openTab()).editor;
  if (editor?.addFiles) {
    editor.addFiles(files).then((refusal) => refusal && toast(refusal, true));
    return;
  }
  if (files.length > 1) toast(`Of ${files.length} files the first was taken: ${files[0].name}.`);
  const carrier = new DataTransfer();
  const input = receiver();
  carrier.items.add(files[0]);
  input.files = carrier.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

const holdsFile = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
const holdsEntry = (event) => [...(event.dataTransfer?.types || [])].includes("darkroom/entry");
document.addEventListener("dragover", (event) => {
  if (holdsEntry(event)) event.preventDefault();
  if (!holdsFile(event)) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
document.addEventListener(
  "drop",
  (event) => {
    document.body.classList.remove("dropping");
    const entry = entries.findDropped(event); // out of the history, to be used here
    if (entry) {
      event.preventDefault();
      entries.open(entry, accepts(openTab()) === "image");
      return;
    }
    if (!holdsFile(event) || !receiver() || !event.dataTransfer.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files]);
  },
  true,
);
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  // spreadsheets put a picture of the text beside it: into a field goes the text
  const text = event.clipboardData?.getData("text/plain") && event.target.closest?.("input, textarea");
  if (!files.length || text || !receiver()) return;
  event.preventDefault();
  take(files);
});
// what the dialog chose, before Gradio uploads it
document.addEventListener(
  "change",
  (event) => {
    if (event.target !== receiver() || !stage(openTab()).editor?.addFiles) return;
    event.stopPropagation();
    take([...event.target.files]);
    event.target.value = "";
  },
  true,
);

document.addEventListener("input", ({ target }) => {
  const box = target.closest?.(".replay");
  if (box) showLook(box);
});
