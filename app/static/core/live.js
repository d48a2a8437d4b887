// What is drawn at once, outside the queue, and not kept: by a model that takes one pass, at every stroke; by
// others as
// drafts of a few steps, at every change, where they were asked for.

const PATIENCE = 5000; // milliseconds: an answer that got lost stops nothing for longer

export class Live {
  constructor(stage) {
    this.stage = stage;
    this.asked = 0; // when the request that is out was sent
    this.number = 0; // which that is: the answers of others come too late
    this.again = false; // whether something changed meanwhile
    this.touched = false; // whether somebody did something here
  }

  watch(desk) {
    for (const name of ["pointerdown", "keydown"]) desk.addEventListener(name, () => this.touch(), true);
  }

  touch() {
    this.touched = true;
  }

  /** Whether drafts were asked for, and the model can draw some. */
  get drafting() {
    const { stage } = this;
    return Boolean(stage.model?.drafts && stage.$("drafts")?.querySelector("input").checked);
  }

  inputChanged() {
    const { stage } = this;
    const given = stage.hasInput() || Boolean(stage.form.prompt?.value.trim());
    if (!stage.running && (stage.model?.live || (this.drafting && given))) this.draw();
  }

  /** One request at a time, and the last stroke is never lost. */
  draw() {
    if (Date.now() - this.asked < PATIENCE) {
      this.again = true;
      return;
    }
    this.asked = Date.now();
    this.number++;
    this.stage.$("live")?.click();
  }

  /** What the request says besides the form, as JSON. */
  payload() {
    return JSON.stringify({ number: this.number, inputs: this.stage.inputs() });
  }

  /** A run or something of the history takes the stage: what is on its way is dropped. */
  cancel() {
    this.number++;
    this.asked = 0;
    this.again = this.touched = false;
  }

  /** What nobody asked for yet shows what the editor can, and leaves the stage as it is. */
  show({ number, model, frame, note }) {
    const { stage } = this;
    if (number !== this.number) return;
    this.asked = 0;
    if (model === stage.model?.name && !stage.running) {
      if (this.touched) this.present(frame, note);
      else if (frame) stage.editor?.show?.(frame);
    }
    if (this.again) {
      this.again = false;
      this.inputChanged();
    }
  }

  present(frame, note) {
    const { stage } = this;
    stage.forget();
    stage.showEntry(0);
    stage.film = frame ? [frame] : [];
    if (frame) stage.draw();
    else stage.showNothing();
    stage.$("where").textContent = note;
  }
}
