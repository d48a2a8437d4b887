// The history: a strip of what was made, the newest first. A click opens an entry where it was made; its menu and keys
// use it elsewhere, compare, star, save and delete it. More come from the server as the strip is scrolled.
import { openCompare } from "./compare.js";
import { create, saveAs, toast } from "./dom.js";
import { keyboardList } from "./keys.js";
import { openMenu } from "./menu.js";

const STRIP = `<div class="strip">
  <div class="find">
    <b>History</b>
    <input type="search" placeholder="Search" aria-label="Search the history by words">
    <button type="button" class="icon" data-do="starred" aria-pressed="false" title="Starred only">☆</button>
  </div>
  <div class="entries own-keys" role="group" aria-label="History"></div>
</div>`;

export class History {
  /** `page` gives what the strip needs of it: openTab(), stage(tab), showTab(tab), accepts(tab). */
  constructor(page) {
    this.page = page;
    this.owner = "";
    this.entries = [];
    this.starredOnly = false;
    this.ready = new Promise((resolve) => {
      this.mounted = resolve;
    });
  }

  mount(element, server, trigger) {
    this.server = server;
    this.trigger = trigger;
    this.root = create(STRIP);
    element.replaceChildren(this.root);
    this.box = this.root.querySelector(".entries");
    this.search = this.root.querySelector("input");
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.refresh(), 250);
    });
    const star = this.root.querySelector("[data-do]");
    star.onclick = () => {
      this.starredOnly = !this.starredOnly;
      star.setAttribute("aria-pressed", this.starredOnly);
      star.textContent = this.starredOnly ? "★" : "☆";
      this.refresh();
    };
    this.box.addEventListener("click", ({ target }) => {
      const entry = this.entryOf(target);
      if (!entry) return;
      if (target.closest(".dots")) this.openMenu(entry, target);
      else this.open(entry);
    });
    this.box.addEventListener("scroll", () => this.showMore());
    keyboardList(this.box, ".shot", {
      s: (shot) => this.star(this.entryOf(shot)),
      m: (shot) => this.openMenu(this.entryOf(shot), shot),
      x: (shot) => this.compare(this.entryOf(shot)),
      Delete: (shot) => this.delete(this.entryOf(shot)),
    });
    this.mounted();
  }

  setOwner(owner) {
    this.owner = owner;
    this.refresh();
  }

  entryOf(element) {
    return this.find(Number(element.closest("[data-id]")?.dataset.id));
  }

  find(number) {
    return this.entries.find((entry) => entry.id === number);
  }

  /** A function of the server; null where there was no answer, or one that is a refusal, which is said. */
  async call(name, ...values) {
    await this.ready;
    const answer = (await this.server[name](...values)) ?? { error: "The server did not answer: try again." };
    if (answer.error) toast(answer.error, true);
    return answer.error ? null : answer;
  }

  /** One about this browser's history. */
  ask(name, ...values) {
    return this.call(name, this.owner, ...values);
  }

  /** The first page anew. */
  async refresh() {
    const asked = Symbol("the last request");
    this.asked = asked;
    const answer = await this.ask("list_entries", null, this.search?.value ?? "", this.starredOnly);
    if (!answer || asked !== this.asked) return;
    this.entries = answer.entries;
    this.more = answer.more;
    const words = this.search.value || this.starredOnly ? "Nothing like that is here." : "";
    this.box.replaceChildren(...this.entries.map((entry) => this.draw(entry)));
    if (!this.entries.length)
      this.box.append(create(`<small>${words || "What you develop is kept here."}</small>`));
    this.root.closest("#history").classList.toggle("blank", !this.entries.length && !words);
  }

  async showMore() {
    const { scrollLeft, clientWidth, scrollWidth } = this.box;
    if (!this.more || this.loading || scrollLeft + clientWidth < scrollWidth - 400) return;
    this.loading = true;
    const asked = this.asked;
    const last = this.entries.at(-1).id;
    const answer = await this.ask("list_entries", last, this.search.value, this.starredOnly);
    this.loading = false;
    if (!answer || asked !== this.asked) return;
    this.more = answer.more;
    this.entries.push(...answer.entries);
    this.box.append(...answer.entries.map((entry) => this.draw(entry)));
  }

  draw(entry) {
    const item = create(`<div class="entry" data-id="${entry.id}">
      <button type="button" class="shot" tabindex="-1"><img alt="" draggable="true"></button>
      <button type="button" class="dots" tabindex="-1" aria-label="Actions">⋯</button><small></small></div>`);
    const [shot, , badge] = item.children;
    const words = entry.note ? `${entry.prompt} (${entry.note})` : entry.prompt;
    shot.title = words;
    shot.setAttribute("aria-label", words);
    shot.firstElementChild.src = entry.thumbnail;
    shot.firstElementChild.ondragstart = (event) => event.dataTransfer.setData("darkroom/entry", entry.id);
    badge.textContent = entry.badge;
    item.classList.toggle("starred", entry.starred);
    item.classList.toggle("on", entry.id === this.marked);
    return item;
  }

  mark(number) {
    this.marked = number;
    for (const item of this.box?.children ?? []) item.classList.toggle("on", Number(item.dataset?.id) === number);
  }

  // --- what can be done with an entry

  /** Where it was made; or with `use`, as a picture for the editor of the open tab. */
  open(entry, use = false) {
    if (this.comparing && this.comparing.id !== entry.id) return this.compare(entry);
    const tab = use ? this.page.openTab() : entry.tab || this.page.openTab();
    if (this.page.stage(tab).running) {
      toast("Stop the run first, then open an older picture.", true);
      return null;
    }
    this.page.showTab(tab);
    this.trigger("click", { id: entry.id, tab, use });
    return null;
  }

  /** The first of two is remembered; the second opens both. */
  async compare(entry) {
    if (!this.comparing || this.comparing.id === entry.id) {
      this.comparing = entry;
      toast("Now choose the other one in the history; Esc leaves it.");
      return;
    }
    const pair = [this.comparing, entry];
    this.comparing = null;
    const found = await Promise.all(pair.map(({ id }) => this.ask("open_entry", id)));
    if (found.every(Boolean)) openCompare(found);
  }

  async star(entry) {
    entry.starred = !entry.starred;
    await this.ask("star_entry", entry.id, entry.starred);
    this.box.querySelector(`[data-id="${entry.id}"]`)?.classList.toggle("starred", entry.starred);
    if (this.starredOnly) this.refresh();
  }

  async save(entry) {
    const found = await this.ask("open_entry", entry.id);
    if (found) saveAs(found.url, found.name);
  }

  async delete(entry) {
    if (!(await this.ask("delete_entry", entry.id, false))) return;
    const at = this.entries.indexOf(entry);
    await this.refresh();
    this.box.querySelectorAll(".shot")[Math.min(at, this.entries.length - 1)]?.focus();
    toast("Deleted.", false, ["Undo", () => this.ask("delete_entry", entry.id, true).then(() => this.refresh())]);
  }

  openMenu(entry, near) {
    const tab = this.page.openTab();
    const usable = this.page.accepts(tab) === "image" && entry.tab !== tab;
    const items = [
      ["Open", () => this.open(entry)],
      usable && ["Use it here", () => this.open(entry, true)],
      [this.comparing ? "Compare with this" : "Compare with …", () => this.compare(entry)],
      [entry.starred ? "Remove the star" : "Star", () => this.star(entry)],
      ["Download", () => this.save(entry)],
      ["Delete", () => this.delete(entry)],
    ];
    openMenu(near, items.filter(Boolean));
  }

  /** What was dropped from the strip. */
  findDropped(event) {
    return this.find(Number(event.dataTransfer?.getData("darkroom/entry")));
  }
}
