// The looks of a training, one below the other in one picture, under what was given or is real.
import { fixed } from "./dom.js";

const words = { agreement: "agreement with the control", apart: "told apart", g_loss: "G loss", d_loss: "D loss" };

/** Show the look that a replay's slider stands at, and its numbers. */
export function showLook(box) {
  const { step, ...numbers } = JSON.parse(box.dataset.record);
  const at = Number(box.querySelector("input").value);
  box.querySelector(".drawn").style.backgroundPositionY = `${(100 * (at + 1)) / step.length}%`;
  const parts = Object.entries(numbers).map(([name, values]) =>
    typeof values[at] === "number" ? `${words[name] ?? name} ${fixed(values[at])}` : values[at],
  );
  box.querySelector("small").textContent = [`after ${step[at].toLocaleString("en")} steps`, ...parts].join(" · ");
}
