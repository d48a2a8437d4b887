// Pages in a stage's place, and the switch between them and it.
import { create } from "./dom.js";
import { pages } from "./registry.js";

/** An element's pages; `open(tab, model)` opens a model where it runs. */
export function switchPages(element, server, open) {
  const { home, pages: listed } = JSON.parse(element.dataset.pages);
  const desk = element.closest(".desk");
  const bar = create('<div class="seg pages" role="group" aria-label="Pages"></div>');
  const entries = { home: { title: home }, ...listed };
  element.replaceChildren(bar);
  const bodies = {};
  for (const [name, { title, data }] of Object.entries(entries)) {
    const button = create(`<button type="button" data-page="${name}"></button>`);
    button.textContent = title;
    button.onclick = () => show(name);
    bar.append(button);
    if (name === "home") continue;
    bodies[name] = create(`<div class="page ${name}" hidden></div>`);
    element.append(bodies[name]);
    pages[name](bodies[name], data, { server, open });
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
  show("home");
}
