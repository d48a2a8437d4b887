// One setting varied, or two across each other: small results under the picture; a click takes one over and runs it.
import { byId, create, saveAs } from "./dom.js";
import { openMenu } from "./menu.js";

const STRIP = `<div class="varied" hidden><b></b>
  <button type="button" class="send" data-do="across">Across another …</button>
  <button type="button" class="send" data-do="save" hidden>Save</button>
  <button type="button" class="send" data-do="close">Close</button><div class="cells"></div></div>`;

export class Variations {
  constructor(stage) {
    this.stage = stage;
    this.root = create(STRIP);
    this.heading = this.root.querySelector("b");
    this.cells = this.root.querySelector(".cells");
    this.asked = []; // one field, or two
    this.waiting = []; // those that are asked for when the run is over
    this.answered = false; // whether the server has begun: what it does not know yet cannot be cancelled
    this.across = this.root.querySelector("[data-do=across]");
    this.across.onclick = () => this.offer(this.across, this.asked[0]);
    this.root.querySelector("[data-do=close]").onclick = () => this.hide();
    this.save = this.root.querySelector("[data-do=save]");
  }

  /** The settings that the chosen model can vary: [field, label] each. */
  get fields() {
    return this.stage.options.varies?.[this.stage.model?.name] ?? [];
  }

  /** What a variation begins with, as JSON. */
  payload() {
    return JSON.stringify({ fields: this.asked, inputs: this.stage.inputs() });
  }

  /** A menu of fields: to vary alone, or across the first one. */
  offer(near, first) {
    const others = this.fields.filter(([field]) => field !== first);
    openMenu(
      near,
      others.map(([field, label]) => [label, () => this.ask(...(first ? [first, field] : [field]))]),
    );
  }

  ask(...fields) {
    if (this.stage.running) {
      this.waiting = fields;
      return;
    }
    this.hide(); // one that is still being filled
    this.asked = fields;
    this.answered = false;
    this.heading.textContent = "Drawing …";
    this.cells.replaceChildren();
    this.root.hidden = false;
    this.save.hidden = true;
    byId(`${this.stage.tab}-vary`).click();
  }

  show({ fields, title, cells, columns, of, sheet }) {
    if (fields && fields.join() !== this.asked.join()) {
      if (!this.asked.length) this.cancel(); // it was closed before it began
      return;
    }
    this.answered = true;
    this.root.hidden = of === 0; // it was refused
    this.save.hidden = !sheet;
    this.save.onclick = () => saveAs(sheet, `${this.asked.join("-by-")}.png`);
    this.across.hidden = this.asked.length > 1 || this.fields.length < 2;
    this.cells.style.setProperty("--columns", columns);
    this.heading.textContent = cells.length < of ? `${title}: ${cells.length} of ${of}` : title;
    this.cells.replaceChildren(
      ...cells.map(({ values, label, url, note }) => {
        const cell = create('<button type="button"><img alt=""><span></span><small></small></button>');
        if (url) cell.firstElementChild.src = url;
        cell.children[1].textContent = label;
        cell.lastElementChild.textContent = note;
        cell.title = url ? "Take this one" : note;
        cell.disabled = !url;
        cell.onclick = () => this.stage.form.fill(values, () => this.stage.form.run());
        return cell;
      }),
    );
  }

  hide() {
    if (this.asked.length && this.answered) this.cancel();
    this.asked = [];
    this.root.hidden = true;
  }

  cancel() {
    byId(`${this.stage.tab}-vary-stop`).click();
  }

  /** The run is over. */
  goOn() {
    const fields = this.waiting;
    this.waiting = [];
    if (fields.length) this.ask(...fields);
  }
}
