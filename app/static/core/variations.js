// One setting varied: five small results under the picture; a click takes one over and runs it.
import { byId, create } from "./dom.js";
import { openMenu } from "./menu.js";

const STRIP = `<div class="varied" hidden><b></b> <button type="button" class="send">Close</button>
  <div class="cells"></div></div>`;

export class Variations {
  constructor(stage) {
    this.stage = stage;
    this.root = create(STRIP);
    this.heading = this.root.querySelector("b");
    this.cells = this.root.querySelector(".cells");
    this.field = ""; // that was asked for last
    this.root.querySelector("button").onclick = () => {
      byId(`${stage.tab}-vary-stop`).click();
      this.hide();
    };
  }

  /** The settings that the chosen model can vary: [field, label] each. */
  get fields() {
    return this.stage.options.varies?.[this.stage.model?.name] ?? [];
  }

  /** What a variation begins with, as JSON. */
  payload() {
    return JSON.stringify({ field: this.field, inputs: this.stage.inputs() });
  }

  offer(near) {
    openMenu(
      near,
      this.fields.map(([field, label]) => [label, () => this.ask(field)]),
    );
  }

  ask(field) {
    this.field = field;
    this.heading.textContent = "Drawing five …";
    this.cells.replaceChildren();
    this.root.hidden = false;
    byId(`${this.stage.tab}-vary`).click();
  }

  show({ field, title, cells, of }) {
    this.root.hidden = of === 0; // it was refused
    this.heading.textContent = cells.length < of ? `${title}: ${cells.length} of ${of}` : title;
    this.cells.replaceChildren(
      ...cells.map(({ value, label, url, note }) => {
        const cell = create('<button type="button"><img alt=""><span></span></button>');
        if (url) cell.firstElementChild.src = url;
        cell.lastElementChild.textContent = label;
        cell.title = url ? "Take this one" : note;
        cell.disabled = !url;
        cell.onclick = () => this.stage.form.fill({ [field]: value }, () => this.stage.form.run());
        return cell;
      }),
    );
  }

  hide() {
    this.root.hidden = true;
  }
}
