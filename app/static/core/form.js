// What the page puts into the form: a starter's settings, a variation that was taken over, a branch, a lesson's values.
// The server checks them and fills the controls.
import { create } from "./dom.js";

export class Form {
  constructor(stage, trigger) {
    this.stage = stage;
    this.trigger = trigger;
    this.next = () => {};
    this.branchStep = 0; // after which the words of the form take over
    this.offerStarters();
  }

  get prompt() {
    return this.stage.$("prompt")?.querySelector("textarea");
  }

  run() {
    if (this.stage.running) return;
    this.stage.$("generate").click();
    this.stage.setState("queued"); // from now on, though Gradio takes a moment: who comes next waits
  }

  /** Finished ones in the empty tray, or, since a canvas is never empty, under it: a click fills the form and runs. */
  offerStarters() {
    const { starters, place } = this.stage.options;
    if (!starters.length) return;
    const box = create('<div class="starters"></div>');
    for (const [label, url, model] of starters) {
      const button = create('<button type="button"><img alt=""><span></span></button>');
      button.firstElementChild.src = url;
      button.lastElementChild.textContent = label;
      button.onclick = () => this.start(label, model);
      box.append(button);
    }
    if (place === "tray") {
      this.starters = box;
      this.stage.toolrows.append(box);
    } else {
      const empty = this.stage.$("empty");
      empty.append(box);
      empty.classList.add("with-starters");
      empty.querySelector("span").textContent = this.stage.options.pick;
    }
  }

  start(label, model) {
    this.ask({ starter: label, model }, () => this.run());
  }

  /** Values by field name into the form, and what to do then. */
  fill(values, next = () => {}) {
    this.ask({ values, model: this.stage.model?.name }, next);
  }

  ask(data, next) {
    this.next = next;
    this.trigger("click", data);
  }

  /** The server has filled the form; what it gives to the editor may still be on its way there. */
  async filled() {
    const { next } = this;
    this.next = () => {};
    await this.stage.giving;
    next();
  }

  /** What was drawn in place of words that the model does not know stays above Generate. */
  explain(text) {
    if (!text && !this.remark) return;
    this.remark ??= create('<div class="notice"></div>');
    this.remark.textContent = text;
    this.remark.hidden = !text;
    this.stage.$("generate").parentElement.before(this.remark);
  }

  /** What is set but lies folded away is said above Generate, and can be taken back there. */
  changed(values) {
    this.values = values;
    const { branch_step: step, first_prompt: words, turns } = values;
    this.branchStep = step ?? 0;
    const many = turns ? turns.split(",").length : 0;
    this.notice ??= create('<div class="notice"><span></span><button type="button">Remove</button></div>');
    this.notice.hidden = !step && !many;
    if (this.notice.hidden) return;
    const text = step ? `Steps 1 to ${step} follow “${words}”.` : `Settings change ${many} times on the way.`;
    this.notice.firstElementChild.textContent = text;
    this.notice.lastElementChild.onclick = () =>
      this.fill(step ? { branch_step: 0, first_prompt: "" } : { turns: "" });
    this.stage.$("generate").parentElement.before(this.notice);
  }
}
