// One tab's run, from click to picture: idle, queued, running, idle again. It owns the film and knows no kind of
// result, no editor and no card by name: they come from the registry.
import { byId, create, fixed, hideToast, megabytes, toast } from "./dom.js";
import { listFiles } from "./downloads.js";
import { savedInputs, saveInputs } from "./drafts.js";
import { Filmstrip } from "./filmstrip.js";
import { Form } from "./form.js";
import { offerHandover } from "./handover.js";
import { mountInspector } from "./inspector.js";
import { Live } from "./live.js";
import { editors, viewers } from "./registry.js";
import { Variations } from "./variations.js";
import { ViewerBar } from "./viewerbar.js";

const VIEWER = `
<section class="viewer" aria-label="Viewer">
  <div class="tray">
    <div class="print"><div id="empty" class="empty"><b>It will develop here</b><span></span></div></div>
  </div>
  <div class="toolrows"></div>
  <div id="film" class="film" role="listbox" aria-label="Steps of the run"></div>
  <input id="scrub" class="scrub" type="range" min="1" max="1" value="1" disabled aria-label="Step">
  <div class="cap">
    <span id="where" aria-live="polite"></span>
    <span id="downloads"></span>
    <span id="send" hidden></span>
  </div>
</section>`;

const LONGEST = 240; // frames that are kept while a run goes on; of a longer one every second

export class Stage {
  constructor(tab, history) {
    this.tab = tab;
    this.history = history; // of all tabs
    this.entry = 0; // which of it is shown
    this.options = { models: [], layers: [] };
    this.state = "idle";
    this.stopped = ""; // the run that was stopped last
    this.shownRun = ""; // the run whose film is shown
    this.words = ""; // what it was asked for
    this.branched = 0; // after which step its words were others
    this.run = ""; // the run whose messages are taken; those of one that was stopped come late
    this.film = [];
    this.at = 0;
    this.files = [];
    this.seconds = 0;
    this.word = -1; // whose attention is shown
    this.hovered = -1; // and whose while the pointer is over it
    this.layer = "preview";
    this.mounted = {}; // viewers by kind
    this.live = new Live(this);
    this.drawCards = () => {};
  }

  $(id) {
    return byId(`${this.tab}-${id}`);
  }

  /** Markup whose ids begin with the tab's name. */
  markup(html) {
    return html.replaceAll('id="', `id="${this.tab}-`);
  }

  mount(element, trigger) {
    this.options = JSON.parse(element.dataset.stage);
    this.root = create(this.markup(VIEWER));
    element.replaceChildren(this.root);
    this.bar = new ViewerBar(this);
    this.root.prepend(this.bar.root);
    this.variations = new Variations(this);
    this.root.append(this.variations.root);
    this.print = this.root.querySelector(".print");
    this.tray = this.root.querySelector(".tray");
    this.toolrows = this.root.querySelector(".toolrows");
    this.$("empty").querySelector("span").textContent = this.options.empty;
    this.form = new Form(this, trigger);
    this.strip = new Filmstrip(this.$("film"), this.$("scrub"), (at) => this.go(at));
    this.$("scrub").addEventListener("input", (event) => this.go(Number(event.target.value) - 1));
    const { place, editor } = this.options;
    const layers = [...(place === "tray" ? [["input", "Canvas"]] : []), ...this.options.layers];
    for (const [name, label] of layers) {
      const button = create(`<button type="button" data-show="${name}">${label}</button>`);
      button.onclick = () => this.choose(name);
      this.$("seg").append(button);
    }
    if (place === "tray" || place === "beside") {
      this.tray.classList.toggle("beside", place === "beside");
      this.mountEditor(create(`<div class="board" data-editor="${editor}"></div>`), this.tray);
    }
    this.live.watch(byId(`${this.tab}-desk`));
    this.choose(layers[0]?.[0] ?? "preview");
    this.viewer("image"); // whatever comes, its preview is a picture
  }

  mountInspector(element) {
    this.drawCards = mountInspector(element, this);
    this.drawCards(this.film[this.at]);
  }

  /** Where a person gives what a model begins with; in the tray, beside it, or in the form. */
  mountEditor(element, tray = null) {
    if (tray) tray.prepend(element);
    this.editor = editors[element.dataset.editor]({
      stage: this,
      element,
      tools: this.toolrows,
      changed: () => this.inputChanged(),
    });
    this.board = tray ? element : null;
    document.addEventListener(
      "change",
      (event) => event.target.closest?.(`#${this.tab}-model`) && this.inputChanged(),
    );
    this.inputChanged();
    if (tray) this.choose(this.layer);
    if (this.early) this.giving = this.give(...this.early);
    this.recallInputs();
  }

  /** What the editor held before a reload, unless something was given to it meanwhile; from then on it is kept. */
  async recallInputs() {
    const inputs = await savedInputs(this.tab);
    if (!this.giving && inputs && Object.values(inputs).some(Boolean)) await this.give(inputs, false);
    this.keepsInputs = true;
  }

  viewer(kind) {
    this.mounted[kind] ??= viewers[kind](this);
    return this.mounted[kind];
  }

  // --- what the person gives

  get model() {
    const name = document.querySelector(`#${this.tab}-model input:checked`)?.value;
    return this.options.models.find((model) => model.name === name) ?? this.options.models[0];
  }

  /** The form shows what goes with an input only where there is one; a model that is fast enough draws at once. */
  inputChanged(draw = true) {
    this.editor?.refresh?.();
    const desk = byId(`${this.tab}-desk`);
    desk?.classList.toggle("takes-input", Boolean(this.model?.takes.length));
    desk?.classList.toggle("has-input", this.hasInput());
    if (this.keepsInputs) saveInputs(this.tab, () => this.inputs());
    if (draw && this.isOpen) this.live.inputChanged();
  }

  hasInput() {
    if (this.editor?.isEmpty) return !this.editor.isEmpty();
    return Boolean(this.editor?.names.some((name) => this.editor.get(name)));
  }

  /** The browser's dialog; what is chosen goes the way of what is dropped. */
  chooseFile() {
    document.querySelector(`#${this.tab}-drop input[type=file]`)?.click();
  }

  inputs() {
    return Object.fromEntries((this.editor?.names ?? []).map((name) => [name, this.editor.get(name)]));
  }

  /** Something into the input editor, which is shown unless a result comes with it. */
  async give(values, show = true) {
    if (!Object.keys(values).length) return;
    if (!this.editor) {
      this.early = [values, show]; // a link's, before the editor is there
      return;
    }
    if (show) this.live.touch();
    const chooser = this.model?.takes.length ? null : this.options.models.findIndex((model) => model.takes.length);
    // what somebody gives is to be used; what was there before is for whoever chose the model
    if (chooser > 0 && show) document.querySelectorAll(`#${this.tab}-model input`)[chooser].click();
    const refusal = await this.editor.set(values);
    if (refusal) toast(refusal, true);
    if (this.options.place === "tray" && show) this.choose("input");
    this.inputChanged(show);
  }

  // --- the run

  get running() {
    return this.state !== "idle";
  }

  setState(state) {
    this.state = state;
    this.$("generate").disabled = state !== "idle";
    this.$("stop").disabled = state === "idle" || state === "stopping";
    if (state === "idle") byId("s-queue").textContent = 0;
    const act = this.$("stop").parentElement; // one button is seen: it says how far the run is
    act.classList.toggle("running", state !== "idle");
    this.showProgress(0, 1, state === "stopping" ? "Stopping …" : this.options.stop);
    if (state === "idle") this.variations.goOn();
  }

  showProgress(step, steps, text) {
    this.$("stop").textContent = text;
    this.$("stop").style.setProperty("--done", `${(100 * step) / steps}%`);
  }

  /** The click: the seed of the run is drawn before it, so that it can be shown and repeated. */
  begin(drawSeed, seed) {
    hideToast();
    this.live.cancel();
    this.variations.hide();
    this.setState("queued");
    this.stopped = "";
    this.words = this.form.prompt?.value ?? "";
    this.branched = this.form.branchStep;
    this.run = crypto.randomUUID?.() ?? String(Math.random()); // without https there is no randomUUID
    this.$("where").textContent = "loading";
    this.viewer(this.options.kind).begin?.(); // within the click: sound needs one
    this.watchQueue();
    return (drawSeed && !this.live.drafting) || seed === null
      ? crypto.getRandomValues(new Uint32Array(1))[0]
      : seed;
  }

  /** Gradio writes the place in the queue into an element of its own; people read it under the picture. */
  watchQueue() {
    const queue = this.$("queue");
    this.queueWatch ??= new MutationObserver(() => {
      const place = /queue: (\d+)\/(\d+)/.exec(queue.textContent);
      if (!place) return;
      byId("s-queue").textContent = place[1];
      if (this.state === "queued") this.$("where").textContent = `place ${place[1]} of ${place[2]} in the queue`;
    });
    this.queueWatch.observe(queue, { childList: true, subtree: true, characterData: true });
  }

  receive(message) {
    if (message.input) this.giving = this.give(message.input, !message.restored);
    if (message.run && message.run === this.run) {
      // messages that come at once may be merged into the last of them, so each one may be the first
      if (this.state !== "running") this.started();
      if (message.frame) this.grow(message.frame);
      if (message.done) this.finish(message.done);
    }
    if (message.stopped && message.stopped.run === this.stopped) this.finishStop(message.stopped);
    if (message.restored && !this.running) this.restore(message.restored);
    if (message.still) this.showStill(message.still);
    if (message.live) this.live.show(message.live);
    if (message.vary) this.variations.show(message.vary);
    if (message.varied?.length) this.form.next = () => this.variations.ask(...message.varied);
  }

  started() {
    this.setState("running");
    this.forget();
    this.shownRun = this.run;
    if (this.layer === "input") this.choose("preview");
    this.$("where").textContent = "loading";
  }

  grow(frame) {
    if (this.film.at(-1)?.step === frame.step) this.film.pop();
    this.film.push(frame);
    if (this.film.length > LONGEST) this.film = this.film.filter((_, i) => i % 2 || i === LONGEST);
    this.at = this.film.length - 1;
    this.draw();
    this.current?.grow?.(frame);
    this.showProgress(frame.step, frame.steps, `${this.options.stop} · step ${frame.step} of ${frame.steps}`);
  }

  /** The end: of the film, only what was not sent yet comes along. */
  finish({ steps, frames, files, cost, seed }) {
    const byStep = new Map([...this.film, ...frames].map((frame) => [frame.step, frame]));
    this.film = steps.map((step) => byStep.get(step)).filter(Boolean);
    this.at = this.film.length - 1;
    this.files = files;
    this.seconds = cost.seconds;
    const last = this.film[this.at];
    const pngs = files.filter((file) => file.name.endsWith(".png"));
    if (last.view.kind === "image" && pngs.length === 1) last.preview = pngs[0].url;
    for (const frame of this.film) frame.cost = cost;
    this.status = {
      memory: megabytes(cost.memory),
      seed,
      time: `${fixed(cost.seconds)} s`,
      device: last.device || "–",
    };
    this.showStatus();
    this.run = ""; // a message that repeats this one, with a warning, changes nothing
    this.setState("idle");
    this.strip.lay(this.film, this.layer);
    listFiles(this);
    this.draw();
    this.form.explain(last.exchanged?.join(" ") ?? "");
    if (last.cut) toast(`The prompt was longer than the encoder reads; this was cut: “${last.cut.slice(0, 80)}”`);
    else if (last.unknown)
      toast(`The encoder reads English only; it could not read: “${last.unknown.slice(0, 80)}”`);
    else if (last.words && !last.words.length) toast("No words were given: this is what comes to mind.");
  }

  /** The server keeps what was there, and sends its files. */
  stop() {
    this.stopped = this.run;
    const begun = this.state === "running";
    this.run = "";
    const frame = this.film[this.at];
    this.current?.silence?.();
    this.close("stopping");
    setTimeout(() => this.state === "stopping" && this.setState("idle"), 15_000); // where no answer comes
    if (!begun || !frame) this.$("where").textContent = "stopped before it began";
    else if (this.options.stopped) this.$("where").textContent = this.options.stopped;
    else this.$("where").textContent = `stopped at step ${frame.step} of ${frame.steps}; it is kept in the history`;
  }

  /** Gradio tells of the end of a run, of one that was stopped, too. */
  async end() {
    if (this.state === "stopping") return; // the answer to the stop ends it
    this.close("idle");
    const made = this.shownRun && (await this.history.ask("list_run", this.shownRun));
    this.keep(made?.ids ?? []);
  }

  finishStop({ files, entries }) {
    this.stopped = "";
    this.setState("idle");
    if (files.length) {
      this.files = files;
      listFiles(this);
    }
    this.keep(entries);
  }

  /** Whatever ended the run, and however early: the last picture stays, and the buttons work again. */
  close(state) {
    // a training that was stopped saves a while later
    const waits = this.options.stopped ? [0, 10_000] : [];
    for (const wait of waits) setTimeout(() => document.dispatchEvent(new Event("loras")), wait);
    if (!this.running) return;
    this.setState(state);
    if (!this.film.length) {
      if (this.$("where").textContent === "loading") this.$("where").textContent = "";
      return;
    }
    this.strip.lay(this.film, this.layer);
    this.draw();
  }

  /** What a run made is in the history, as these entries. */
  async keep(ids) {
    const run = this.shownRun;
    await this.history.refresh();
    if (ids.length && run === this.shownRun && !this.running) this.showEntry(ids.at(-1));
  }

  /** Its tab is open: the history marks its picture, the status is that of its run. */
  showOpened() {
    this.history.mark(this.entry);
    this.showStatus();
    if (this.editor?.show && this.model?.live && !this.film.length) this.live.draw();
  }

  get isOpen() {
    return Boolean(this.root?.offsetParent);
  }

  showStatus() {
    if (!this.isOpen) return;
    for (const [name, value] of Object.entries({ seed: "–", time: "–", device: "–", ...this.status }))
      byId(`s-${name}`).textContent = value;
  }

  showEntry(number) {
    this.entry = number;
    if (this.isOpen) this.history.mark(number);
    this.bar.draw();
  }

  /** A result of the history: its last frame, or its picture alone. */
  restore({ id, name, url, seed, frame, files }) {
    this.forget();
    this.live.cancel();
    this.showEntry(id);
    this.files = files ?? [{ name, url }];
    this.film = [{ view: { kind: "image" }, preview: url, ...frame, restored: true }];
    this.strip.clear();
    if (this.layer !== "preview") this.choose("preview");
    this.draw();
    this.$("where").textContent = "from the history; Generate develops it again";
    this.status = { seed };
    this.showStatus();
    listFiles(this);
  }

  /** Something to look at that no run made, such as a file of splats. */
  showStill(frame) {
    this.forget();
    this.film = [frame];
    if (this.layer !== "preview") this.choose("preview");
    this.draw();
    this.$("where").textContent = frame.note;
  }

  // --- what is shown

  forget() {
    this.shownRun = this.stopped = "";
    this.entry = 0;
    this.form?.explain("");
    this.film = [];
    this.at = 0;
    this.files = [];
    this.seconds = 0;
    this.word = this.hovered = -1;
    this.bar.pause();
    this.variations.hide();
    this.strip.clear();
    this.$("downloads").replaceChildren();
    this.drawCards(null);
    this.bar.draw();
  }

  go(at) {
    if (!this.film.length || this.$("scrub").disabled) return;
    this.at = Math.max(0, Math.min(this.film.length - 1, at));
    this.draw();
  }

  step(by) {
    this.go(this.at + by);
  }

  choose(layer) {
    this.layer = layer;
    for (const button of this.$("seg").children) {
      button.classList.toggle("on", button.dataset.show === layer);
      button.setAttribute("aria-pressed", button.dataset.show === layer);
    }
    const editing = layer === "input";
    if (this.options.place === "tray") {
      if (this.board) this.board.hidden = !editing;
      this.editor?.showTools?.(editing);
      if (this.form.starters) this.form.starters.hidden = !editing || this.film.length > 0;
    }
    if (editing) {
      this.current?.hide();
      this.$("empty").hidden = true;
      offerHandover(this);
      this.bar.draw();
      return;
    }
    if (!this.film.length) {
      this.showNothing();
      return;
    }
    if (this.film[0].step) this.strip.lay(this.film, layer); // a still has no steps
    this.draw();
  }

  draw() {
    const frame = this.film[this.at];
    if (!frame) return;
    this.present(frame);
    if (frame.step) this.$("where").textContent = `step ${frame.step} of ${frame.steps} · ${frame.note}`;
    this.nameState(frame);
    this.strip.mark(this.at);
    this.drawCards(frame);
    this.editor?.show?.(frame);
    this.bar.draw();
  }

  /** The second layer is called what the chosen model shows there, and is hidden where a frame has none. */
  nameState(frame) {
    const button = this.$("seg").querySelector("[data-show=state]");
    if (!button) return;
    const label = this.options.layers.find(([name]) => name === "state")[1];
    button.innerHTML = this.model?.state || label;
    button.hidden = !frame.state;
    if (button.hidden && this.layer === "state") this.choose("preview");
  }

  present(frame) {
    const viewer = this.viewer(frame.view?.kind ?? "image");
    if (this.current !== viewer) this.current?.hide();
    this.current = viewer;
    if (this.layer === "input") return;
    this.$("empty").hidden = true;
    viewer.show(frame, this.layer);
    offerHandover(this);
  }

  showNothing() {
    this.current?.hide();
    this.current = null;
    this.$("empty").hidden = false;
    this.$("send").hidden = true;
  }

  /** How many pictures there are side by side, as columns. */
  columns() {
    const pngs = this.files.filter((file) => file.name.endsWith(".png")).length;
    const asked = Number(document.querySelector(`#${this.tab}-count input`)?.value);
    return Math.ceil(Math.sqrt(Math.max(1, pngs || asked || 1)));
  }
}
