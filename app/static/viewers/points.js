// Points in the plane: samples of a two-dimensional distribution.
import { create } from "../core/dom.js";
import { registerViewer } from "../core/registry.js";

const SIDE = 640;

registerViewer("points", (stage) => {
  const canvas = create(stage.markup('<canvas id="points" class="points" role="img" hidden></canvas>'));
  canvas.width = canvas.height = SIDE;
  stage.print.append(canvas);

  return {
    /** view: { points: [[x, y], …], span }: the plane is shown from -span to span, y upwards. */
    show({ view }) {
      canvas.hidden = false;
      canvas.setAttribute("aria-label", `${view.points.length} points`);
      const context = canvas.getContext("2d");
      const style = getComputedStyle(canvas);
      context.clearRect(0, 0, SIDE, SIDE);
      context.fillStyle = style.getPropertyValue("--paper");
      context.globalAlpha = 0.6;
      const scale = SIDE / (2 * view.span);
      const finite = view.points.filter((point) => point.every(Number.isFinite));
      for (const [x, y] of finite) context.fillRect(SIDE / 2 + x * scale - 1.5, SIDE / 2 - y * scale - 1.5, 3, 3);
    },
    hide() {
      canvas.hidden = true;
    },
    give: { image: () => canvas.toDataURL("image/png") },
  };
});
