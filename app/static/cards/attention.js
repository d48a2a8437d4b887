// The prompt's words; a click on one shows where the picture looks at it.
import { registerCard } from "../core/registry.js";

registerCard({
  title: "Where each word shows",
  html: '<div id="words" class="words"></div>',
  applies: (frame) => Boolean(frame.attention),
  draw(body, frame, stage) {
    const box = body.querySelector(".words");
    const words = frame.words || [];
    const text = JSON.stringify(words);
    if (box.dataset.words !== text) {
      box.dataset.words = text;
      box.replaceChildren(
        ...words.map((word, i) => {
          const chip = document.createElement("button");
          chip.type = "button";
          chip.textContent = word;
          chip.title = `Where the picture looks at “${word}”`;
          chip.onclick = () => {
            stage.word = stage.word === i ? -1 : i;
            stage.draw();
          };
          return chip;
        }),
      );
      if (!words.length) box.innerHTML = "<small>Without words the model draws whatever comes to mind.</small>";
    }
    [...box.children].forEach((chip, i) => {
      chip.classList.toggle("on", i === stage.word);
    });
  },
});
