// LoRAs, a slider each; the control's value is the text that Settings reads, such as "flat:0.8, lines".
import { create, fixed, saveAs } from "../core/dom.js";

const parse = (text) =>
  new Map(
    (text || "")
      .split(",")
      .filter((part) => part.trim())
      .map((part) => {
        const [name, strength] = part.split(":");
        return [name.trim(), Number(strength ?? 1)];
      }),
  );
const format = (strengths) =>
  [...strengths]
    .filter(([, strength]) => strength)
    .map((pair) => pair.join(":"))
    .join(", ");

/** Fill Gradio's element; its template keeps a label and an empty list, so that Gradio draws nothing anew. `base` says
 * beside which weights the LoRAs of what the form shows now have to be taught. */
export function mountLoras(element, props, watch, server, base) {
  let known = []; // [name, the word that calls it, the weights beside which it was taught]
  let shown;

  function draw() {
    const box = element.querySelector(".lora-list");
    const strengths = parse(props.value);
    shown = base();
    const fitting = known.filter(([name, , taught]) => !shown || taught === shown || strengths.get(name));
    box.replaceChildren(
      ...fitting.map(([name, word]) => {
        const strength = strengths.get(name) ?? 0;
        const row = create(`<label class="lora"><b></b><small>${word && `say “${word}”`}</small>
          <output>${fixed(strength)}</output><button type="button" class="send">Download</button>
          <input type="range" min="-1" max="2" step="0.05" value="${strength}"></label>`);
        row.classList.toggle("off", !strength);
        row.querySelector("b").textContent = name; // a file's name is text, never markup; the word comes escaped
        row.querySelector("button").dataset.save = name;
        row.querySelector("input").dataset.name = name;
        return row;
      }),
    );
    if (!fitting.length) box.append(create("<small>None is there yet.</small>"));
  }

  async function list() {
    const all = await server.list_loras();
    if (JSON.stringify(all) === JSON.stringify(known)) return; // what is drawn anew loses a slider that is being moved
    known = all;
    draw();
  }

  element.addEventListener("input", ({ target }) => {
    target.closest(".lora").querySelector("output").textContent = fixed(target.value);
  });
  element.addEventListener("click", async (event) => {
    const name = event.target.dataset.save;
    if (!name) return;
    event.preventDefault();
    saveAs(await server.lora_url(name), `lora-${name}.safetensors`);
  });
  let mine = props.value;
  element.addEventListener("change", ({ target }) => {
    mine = format(parse(props.value).set(target.dataset.name, Number(target.value)));
    props.value = mine;
  });
  watch("value", () => {
    if (props.value !== mine || !element.querySelector(".lora")) draw();
    mine = props.value;
  });
  document.addEventListener("loras", list);
  document.addEventListener("form", () => base() !== shown && draw());
  // Gradio writes the value of what it shows for the first time once more a frame later: no slider may be there before
  requestAnimationFrame(list);
}
