// Keyboards: lists of which one item has the focus (roving tabindex), and who has a use of its own for arrows.

/** Whether an element has a use of its own for arrows and Esc: fields, sliders but the film's, players, open lists. */
export const hasOwnKeys = (element) =>
  (element.matches?.("input, textarea, select, audio, video, [contenteditable], [role=listbox]") &&
    !element.classList.contains("scrub")) ||
  Boolean(element.closest?.(".own-keys"));

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Arrows, Home and End move the focus among the items of a list; `actions` are what other keys do with one. */
export function keyboardList(box, selector, actions = {}) {
  /** One item can be reached by Tab: the one that had the focus, else the first. */
  function rove(item) {
    for (const other of box.querySelectorAll(selector)) other.tabIndex = other === item ? 0 : -1;
  }
  new MutationObserver(() => {
    if (!box.querySelector(`${selector}[tabindex="0"]`)) rove(box.querySelector(selector));
  }).observe(box, { childList: true });
  box.addEventListener("focusin", ({ target }) => target.matches(selector) && rove(target));
  box.addEventListener("keydown", (event) => {
    const items = [...box.querySelectorAll(selector)];
    const at = items.indexOf(event.target.closest(selector));
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { Home: 0, End: items.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? 0);
    if (actions[event.key]) actions[event.key](items[at]);
    else if (to === at) return;
    else items[Math.max(0, Math.min(items.length - 1, to))].focus();
    event.preventDefault();
    event.stopPropagation();
  });
}
