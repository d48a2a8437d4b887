// Slots for pictures that a run begins with, such as the first and the last frame of a clip. What is dropped goes
// where was clicked last.
import { create } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";

registerEditor("frames", ({ stage, element, changed }) => {
  const slots = JSON.parse(element.dataset.slots); // [field, label] each
  const pictures = Object.fromEntries(slots.map(([name]) => [name, ""]));
  const [first] = Object.keys(pictures);
  let next = first;
  element.classList.add("ends");
  element.append(create(`<span>${element.dataset.label}</span>`));
  for (const [name, label] of slots) {
    const button = create(
      `<button type="button" data-end="${name}" title="Choose: ${label}"><small>${label}</small></button>`,
    );
    button.onclick = () => {
      stage.chooseFile();
      next = name;
    };
    element.append(button);
  }
  const clear = create('<button type="button" class="send" data-do="clear">Clear</button>');
  element.append(clear);

  function draw() {
    for (const slot of element.querySelectorAll("[data-end]")) {
      const url = pictures[slot.dataset.end];
      slot.style.backgroundImage = url ? `url(${url})` : "";
      slot.classList.toggle("on", Boolean(url));
    }
    changed();
  }

  clear.onclick = () => {
    for (const name in pictures) pictures[name] = "";
    next = first;
    draw();
  };
  document.querySelector(`#${stage.tab}-drop`)?.addEventListener(
    "cancel",
    () => {
      next = first;
    },
    true,
  );

  return {
    names: Object.keys(pictures),
    get: (name) => pictures[name],
    /** Settings out of a file say all; a picture alone goes into one slot. */
    async set(values) {
      const whole = slots.length > 1 ? slots.every(([name]) => name in values) : !values.first && first in values;
      if (whole) for (const name in pictures) pictures[name] = values[name] || "";
      else if (values.image) {
        pictures[values.first ? first : next] = values.image;
        next = first;
      }
      draw();
      return "";
    },
  };
});
