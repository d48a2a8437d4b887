// The inspector: a card is there when the frame that is shown has something for it.
import { create } from "./dom.js";
import { cards } from "./registry.js";
import { showLook } from "./replay.js";

/** Fill an element with the cards of one stage; returns draw(frame). */
export function mountInspector(element, stage) {
  const entries = cards.map((card) => {
    const body = create(`<details class="card" hidden ${card.folded ? "" : "open"}><summary><h4>${card.title}</h4>
      </summary>${stage.markup(card.html)}</details>`);
    element.append(body);
    card.mount?.(body, stage);
    return { card, body };
  });
  // what the server wrote below them belongs to a model each
  const written = [...element.parentElement.querySelectorAll("[data-models]")];
  for (const box of element.parentElement.querySelectorAll(".replay")) showLook(box);
  const showWritten = () => {
    for (const card of written) card.hidden = !card.dataset.models.split(" ").includes(stage.model?.name);
  };
  document.addEventListener("change", (event) => event.target.closest?.(`#${stage.tab}-model`) && showWritten());
  return (frame) => {
    showWritten();
    for (const { card, body } of entries) {
      body.hidden = !frame || !card.applies(frame, stage);
      if (!body.hidden) card.draw(body, frame, stage);
    }
  };
}
