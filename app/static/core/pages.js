// Pages in a stage's place, and the switch between them and it.
import { create } from "./dom.js";
import { pages } from "./registry.js";

/** An element's pages; they are given the server's functions, upload(file), open(tab, model) and owner(). Without a stage there is
 * one page, and no switch. */
export function switchPages(element, given) {
  const { home, pages: listed } = JSON.parse(element.dataset.pages);
  const desk = element.closest(".desk");
  const bar = create('<div class="seg pages" role="group" aria-label="Pages"></div>');
  const entries = home ? { home: { title: home }, ...listed } : listed;
  element.replaceChildren(...(home ? [bar] : []));
  const bodies = {};
  for (const [name, { title, data }] of Object.entries(entries)) {
    const button = create(`<button type="button" data-page="${name}"></button>`);
    button.textContent = title;
    button.onclick = () => show(name);
    bar.append(button);
    if (name === "home") continue;
    bodies[name] = create(`<div class="page ${name}" hidden></div>`);
    element.append(bodies[name]);
    pages[name](bodies[name], data, given);
  }
  function show(name) {
    desk.classList.toggle("paged", name !== "home");
    for (const button of bar.children) {
      button.classList.toggle("on", button.dataset.page === name);
      button.setAttribute("aria-pressed", button.dataset.page === name);
    }
    for (const [other, body] of Object.entries(bodies)) body.hidden = other !== name;
  }
  desk.addEventListener("home", () => show("home"));
  show(Object.keys(entries)[0]);
}
