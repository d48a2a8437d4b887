// What both boards that are painted on share: a pointer's strokes, an undo, and a row of tools.

const KEPT = 30; // strokes that can be taken back

export class Undo {
  constructor() {
    this.past = [];
  }

  remember(state) {
    this.past.push(state);
    if (this.past.length > KEPT) this.past.shift();
  }

  back() {
    return this.past.pop();
  }

  clear() {
    this.past = [];
  }
}

/** Strokes of a pointer over a canvas, in its pixels: begin(), line(from, to), end(). */
export function followPointer(canvas, { ready = () => true, begin, line, end = () => {} }) {
  let last = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * canvas.width) / box.width;
    return [x, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!ready()) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    begin();
    last = at(event);
    line(last, [last[0] + 0.01, last[1]]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const now = at(event);
    line(last, now);
    last = now;
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => {
      if (last) end();
      last = null;
    });
  }
}

/** A line with round ends; it erases where asked to. */
export function drawLine(context, from, to, width, colour, erase) {
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  context.strokeStyle = colour;
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.globalCompositeOperation = "source-over";
}

/** A row of tools of which one is chosen; `actions` says what its other buttons do. */
export function mountTools(row, actions) {
  const buttons = [...row.querySelectorAll("[data-tool]")];
  let tool = buttons[0]?.dataset.tool;
  function choose(name) {
    tool = name;
    for (const button of buttons) {
      button.classList.toggle("on", button.dataset.tool === name);
      button.setAttribute("aria-pressed", button.dataset.tool === name);
    }
  }
  row.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.tool) choose(button.dataset.tool);
    actions[button?.dataset.do]?.(button);
  });
  choose(tool);
  return { choose, current: () => tool };
}
