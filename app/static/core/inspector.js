// The inspector: a card is there when the frame that is shown has something for it.
import { create } from "./dom.js";
import { cards } from "./registry.js";

/** Fill an element with the cards of one stage; returns draw(frame). */
export function mountInspector(element, stage) {
  const entries = cards.map((card) => {
    const body = create(`<details class="card" hidden ${card.folded ? "" : "open"}><summary><h4>${card.title}</h4>
      </summary>${stage.markup(card.html)}</details>`);
    element.append(body);
    card.mount?.(body, stage);
    return { card, body };
  });
  return (frame) => {
    for (const { card, body } of entries) {
      body.hidden = !frame || !card.applies(frame, stage);
      if (!body.hidden) card.draw(body, frame, stage);
    }
  };
}
