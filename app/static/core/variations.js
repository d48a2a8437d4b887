// One setting varied: five small results under the picture; a click takes one over and runs it.
import { byId, create } from "./dom.js";
import { openMenu } from "./menu.js";

const STRIP = '<div class="varied" hidden><b></b><div class="cells"></div></div>';

export class Variations {
  constructor(stage) {
    this.stage = stage;
    this.root = create(STRIP);
    [this.heading, this.cells] = this.root.children;
    this.field = "";
  }

  /** The settings that the chosen model can vary: [field, label] each. */
  get fields() {
    return this.stage.options.varies?.[this.stage.model?.name] ?? [];
  }

  /** What a variation begins with, as JSON. */
  asked() {
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

  show({ title, cells, of }) {
    this.heading.textContent = cells.length < of ? `${title}: ${cells.length} of ${of}` : title;
    this.cells.replaceChildren(
      ...cells.map(({ value, label, url, note }) => {
        const cell = create('<button type="button"><img alt=""><span></span></button>');
        if (url) cell.firstElementChild.src = url;
        cell.lastElementChild.textContent = label;
        cell.title = url ? "Take this one" : note;
        cell.disabled = !url;
        cell.onclick = () => this.stage.form.fill({ [this.field]: value }, () => this.stage.form.run());
        return cell;
      }),
    );
  }

  hide() {
    this.root.hidden = true;
  }
}
