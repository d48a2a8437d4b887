// One small menu for the whole page, beside whatever opened it.
import { create } from "./dom.js";
import { keyboardList } from "./keys.js";

let box = null;

/** Show [label, act] pairs near an element; the first one has the focus. */
export function openMenu(near, items) {
  if (!box) {
    box = create('<div class="menu own-keys" role="menu" popover></div>');
    document.body.append(box);
    keyboardList(box, "button");
  }
  box.replaceChildren(
    ...items.map(([label, act]) => {
      const button = create('<button type="button" role="menuitem" tabindex="-1"></button>');
      button.textContent = label;
      button.onclick = () => {
        box.hidePopover();
        act();
      };
      return button;
    }),
  );
  box.showPopover();
  const { left, top, bottom } = near.getBoundingClientRect();
  const above = top - box.offsetHeight - 6;
  box.style.left = `${Math.max(8, Math.min(left, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${above > 8 ? above : bottom + 6}px`;
  box.firstElementChild.focus();
}
