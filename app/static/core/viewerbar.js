// The viewer's bar: which layer is shown, and what can be done with what is seen: play its development and save it,
// copy, star, compare, vary one setting, fill the screen.
import { create, saveAs, toast } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";

const ACTIONS = [
  ["play", "Play the development", " "],
  ["save", "Save the development"],
  ["branch", "Branch: go on from this step with other words"],
  ["vary", "Vary one setting", "v"],
  ["copy", "Copy the picture", "c"],
  ["star", "Star", "s"],
  ["compare", "Compare with another one", "x"],
  ["full", "Full screen", "f"],
];
const KEYS = Object.fromEntries(ACTIONS.filter(([, , key]) => key).map(([name, , key]) => [key, name]));
const named = (key) => (key ? ` (${key === " " ? "Space" : key.toUpperCase()})` : "");
const BAR = `<div class="bar">
  <div id="seg" class="seg" role="group" aria-label="What to show"></div>
  <div id="icons" class="icons" role="toolbar" aria-label="What is seen" hidden>${ACTIONS.map(
    ([name, label, key]) => `<button type="button" class="icon" data-do="${name}" title="${label}${named(key)}"
      aria-label="${label}">${icon(name)}</button>`,
  ).join("")}</div>
</div>`;
const KINDS = [
  ["mp4", "Film (MP4)"],
  ["gif", "GIF"],
  ["png", "Contact sheet (PNG)"],
];
const LONGEST = 60; // frames of a development that is saved
const SECONDS = 2.5; // that a whole development takes when it is played

export class ViewerBar {
  constructor(stage) {
    this.stage = stage;
    this.root = create(stage.markup(BAR));
    this.icons = this.root.lastElementChild;
    this.timer = 0;
    this.root.addEventListener("click", ({ target }) => this.act(target.closest("[data-do]")?.dataset.do));
  }

  /** What applies to what is shown: a film of steps, a picture, an entry of the history. */
  draw() {
    const { stage } = this;
    const film = stage.film.length > 1 && !stage.running;
    const hasPlayer = stage.options.kind === "audio"; // of its own
    const shown = {
      play: film && !hasPlayer,
      save: film,
      branch: film && this.branches,
      vary: film && this.stage.variations.fields.length > 0,
    };
    shown.copy = Boolean(stage.current?.give.image);
    shown.star = shown.compare = Boolean(stage.entry) && !stage.running;
    shown.full = Boolean(stage.film.length);
    for (const button of this.icons.children) button.hidden = shown[button.dataset.do] === false;
    this.icons.hidden = !stage.film.length || stage.layer === "input";
  }

  /** Words can only change where the model's settings know of a branch, and before the last step. */
  get branches() {
    const { model, film, at } = this.stage;
    return Boolean(model?.branches && film[at]?.step > this.stage.branched) && at < film.length - 1;
  }

  /** A key; whether it was one of the bar's. */
  press(key) {
    const name = KEYS[key];
    const button = name && !this.icons.hidden && this.icons.querySelector(`[data-do="${name}"]:not([hidden])`);
    if (button) this.act(name);
    return Boolean(button);
  }

  act(name) {
    this[name]?.();
  }

  play() {
    const { stage } = this;
    if (this.timer) {
      this.pause();
      return;
    }
    if (stage.at === stage.film.length - 1) stage.go(0);
    this.mark(true);
    this.timer = setInterval(
      () => {
        stage.step(1);
        if (stage.at === stage.film.length - 1) this.pause();
      },
      Math.max(40, (1000 * SECONDS) / stage.film.length),
    );
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    this.mark(false);
  }

  mark(playing) {
    const button = this.icons.querySelector("[data-do=play]");
    button.innerHTML = icon(playing ? "pause" : "play");
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  /** The film of previews, as one file that the server writes. */
  save() {
    openMenu(
      this.icons.querySelector("[data-do=save]"),
      KINDS.map(([kind, label]) => [label, () => this.export(kind)]),
    );
  }

  async export(kind) {
    const { film, layer, tab } = this.stage;
    const count = Math.min(film.length, LONGEST);
    const picks = Array.from({ length: count }, (_, i) =>
      Math.round((i * (film.length - 1)) / Math.max(1, count - 1)),
    );
    const pictures = picks.map((at) => film[at][layer] || film[at].preview);
    const answer = await this.stage.history.call("save_development", pictures, kind);
    if (answer) saveAs(answer.url, `${tab}-development.${kind}`);
  }

  /** The words so far up to the step that is shown, and from there on those that are typed next. */
  branch() {
    const { stage } = this;
    const { step, steps } = stage.film[stage.at];
    const words = stage.form.prompt;
    stage.form.fill({ first_prompt: stage.words, branch_step: step });
    toast(`Now change the words: steps 1 to ${step} of ${steps} stay, the rest develops anew.`);
    words.focus();
    words.select();
  }

  vary() {
    this.stage.variations.offer(this.icons.querySelector("[data-do=vary]"));
  }

  async copy() {
    try {
      const bytes = fetch(this.stage.current.give.image()).then((answer) => answer.blob());
      await navigator.clipboard.write([new ClipboardItem({ "image/png": bytes.then(toPng) })]);
      toast("The picture is copied.");
    } catch {
      toast("The browser does not let pages copy pictures: download it instead.", true);
    }
  }

  star() {
    const entry = this.stage.history.find(this.stage.entry);
    if (entry) this.stage.history.star(entry);
  }

  compare() {
    const entry = this.stage.history.find(this.stage.entry);
    if (entry) this.stage.history.compare(entry);
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.stage.tray.requestFullscreen?.();
  }
}

/** The clipboard takes PNG only. */
async function toPng(blob) {
  if (blob.type === "image/png") return blob;
  const picture = await createImageBitmap(blob);
  const sheet = new OffscreenCanvas(picture.width, picture.height);
  sheet.getContext("2d").drawImage(picture, 0, 0);
  return sheet.convertToBlob({ type: "image/png" });
}
