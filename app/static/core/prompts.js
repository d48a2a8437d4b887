// The prompts of this browser's last runs: ↑ in an empty prompt brings them back, the newest first; ↓ goes the other way.

const KEY = "darkroom-prompts";
const KEPT = 50;
let at = -1; // which of them is shown

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]");
  } catch {
    return [];
  }
}

export function keepPrompt(text) {
  at = -1;
  if (!text?.trim()) return;
  try {
    localStorage.setItem(KEY, JSON.stringify([text, ...read().filter((old) => old !== text)].slice(0, KEPT)));
  } catch {
    /* the browser keeps nothing */
  }
}

/** A key in a prompt; whether it brought an older one. What was typed is never replaced. */
export function recallPrompt(box, key) {
  const step = { ArrowUp: 1, ArrowDown: -1 }[key];
  const prompts = read();
  if (box.value === "") at = -1;
  else if (at < 0 || box.value !== prompts[at]) return false;
  if (!step || at + step < -1 || at + step >= prompts.length) return false;
  at += step;
  box.value = at < 0 ? "" : prompts[at];
  box.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}
