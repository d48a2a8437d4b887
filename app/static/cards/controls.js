// What a ControlNet follows: the lines, colours or depth that were taken from the drawing or picture.
import { create } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

registerCard({
  title: "What is followed",
  html: '<div class="controls-seen"></div>',
  applies: (frame) => Boolean(frame.controls?.length),
  draw(body, { controls }) {
    const figures = controls.map(({ kind, url }) => {
      const figure = create("<figure><img><figcaption></figcaption></figure>");
      figure.firstElementChild.src = url;
      figure.firstElementChild.alt = `${kind} as the model sees it`;
      figure.lastElementChild.textContent = kind === "depth" ? "depth: near is white" : kind;
      return figure;
    });
    body.querySelector(".controls-seen").replaceChildren(...figures);
  },
});
