// A thing of splats, to turn: by our own small shader, which follows the code of the rasterizer; a large file that was
// dropped by gsplat.js, which sorts in a worker. Before there are splats, the views that they come from.
import { create, prefersStillness, toast } from "../core/dom.js";
import { registerViewer } from "../core/registry.js";
import { parseSplats, SplatShader } from "./splat_shader.js";

const SMALL = 5000; // splats that can be sorted here between two frames
const FRONT = { azimuth: 30, elevation: 20, distance: 2.6 };

const CANVAS = `<canvas id="orbit" class="orbit own-keys" tabindex="0" role="img" hidden
  aria-label="The thing; drag or use the arrow keys to turn it, the wheel or two fingers to come nearer"></canvas>`;
const LARGE =
  '<canvas id="orbit-large" class="orbit own-keys" tabindex="0" role="img" aria-label="The scene" hidden></canvas>';
const TOOLS = `<div id="tools" class="tools reel" hidden>
  <button type="button" data-do="spin" aria-pressed="true">Stop turning</button>
  <button type="button" data-do="solid" aria-pressed="false">Show ellipsoids</button>
  <button type="button" data-do="front">Front</button></div>`;

/** gsplat.js, on a canvas of its own, loaded when the first large file comes. */
async function openLarge(canvas) {
  const { Camera, OrbitControls, Scene, Splat, WebGLRenderer, SplatData } = await import("../vendor/gsplat.esm.js");
  const renderer = new WebGLRenderer(canvas);
  const scene = new Scene();
  const camera = new Camera();
  const controls = new OrbitControls(camera, canvas);
  let frame = 0;
  return {
    /** WebGL forgets what it drew: for a copy it is drawn once more. */
    paint: () => renderer.render(scene, camera),
    load(buffer) {
      scene.reset();
      scene.addObject(new Splat(SplatData.Deserialize(new Uint8Array(buffer))));
      cancelAnimationFrame(frame);
      const draw = () => {
        frame = requestAnimationFrame(draw);
        if (canvas.hidden || !canvas.offsetParent) return;
        renderer.setSize(canvas.clientWidth, canvas.clientHeight);
        controls.update();
        renderer.render(scene, camera);
      };
      draw();
    },
  };
}

registerViewer("gaussians", (stage) => {
  const picture = stage.viewer("image");
  const canvas = create(stage.markup(CANVAS));
  const large = create(stage.markup(LARGE));
  const tools = create(stage.markup(TOOLS));
  stage.print.append(canvas, large);
  stage.toolrows.append(tools);
  const shader = new SplatShader(canvas);
  const button = (name) => tools.querySelector(`[data-do=${name}]`);
  const pose = { ...FRONT, solid: false };
  let cloud = null;
  let shown = "";
  let turning = !prefersStillness();
  let dirty = true;
  let before = 0;
  let renderer = null; // of large files

  function paint() {
    if (cloud && shader.gl && !canvas.hidden) shader.draw(cloud, pose);
  }

  function tick(now) {
    requestAnimationFrame(tick);
    const passed = (now - before) / 1000;
    before = now;
    if (canvas.hidden || !cloud || !canvas.offsetParent) return;
    if (turning) {
      pose.azimuth += passed * 24;
      dirty = true;
    }
    if (!dirty) return;
    dirty = false;
    paint();
  }

  function spin(on) {
    turning = on;
    button("spin").setAttribute("aria-pressed", on);
    button("spin").textContent = on ? "Stop turning" : "Turn";
  }
  function turnBy(azimuth, elevation) {
    pose.azimuth += azimuth;
    pose.elevation = Math.max(-85, Math.min(85, pose.elevation + elevation));
    dirty = true;
  }
  function zoomBy(factor) {
    pose.distance = Math.max(0.6, Math.min(8, pose.distance * factor));
    dirty = true;
  }

  button("spin").onclick = () => spin(!turning);
  button("solid").onclick = ({ target }) => {
    pose.solid = !pose.solid;
    target.setAttribute("aria-pressed", pose.solid);
    dirty = true;
  };
  button("front").onclick = () => {
    spin(false);
    Object.assign(pose, FRONT);
    dirty = true;
  };

  const fingers = new Map(); // where each that touches is: one turns, two come nearer
  const gap = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
  canvas.onpointerdown = (event) => {
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    canvas.setPointerCapture(event.pointerId);
    spin(false);
  };
  canvas.onpointermove = (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const now = [event.clientX, event.clientY];
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) zoomBy(gap(last, other) / gap(now, other));
    else turnBy((last[0] - now[0]) * 0.5, (now[1] - last[1]) * 0.5);
    fingers.set(event.pointerId, now);
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    fingers.delete(event.pointerId);
  };
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoomBy(Math.exp(event.deltaY / 800));
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    const zoom = { "+": 0.9, "-": 1 / 0.9 }[event.key];
    if (zoom) zoomBy(zoom);
    const step = { ArrowLeft: [6, 0], ArrowRight: [-6, 0], ArrowUp: [0, 6], ArrowDown: [0, -6] }[event.key];
    if (!step) return;
    event.preventDefault();
    spin(false);
    turnBy(...step);
  });
  window.addEventListener("resize", () => {
    dirty = true;
  });
  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    shader.program = null;
    dirty = true;
  });

  async function load(url, count) {
    shown = url;
    const buffer = await (await fetch(url)).arrayBuffer();
    if (shown !== url) return; // a newer one came first
    if (count > SMALL) {
      renderer ??= await openLarge(large);
      renderer.load(buffer);
    } else {
      cloud = parseSplats(buffer);
      dirty = true;
    }
  }

  spin(turning);
  requestAnimationFrame(tick);
  return {
    /** A step's splats to turn, or of the state, what is wrong of them. */
    show(frame, layer) {
      const { url, count } = frame.view;
      const there = Boolean(shader.gl && url && layer === "preview");
      if (url && !shader.gl) toast("This browser cannot show splats: it has no WebGL 2.", true);
      canvas.hidden = !there || count > SMALL;
      large.hidden = !there || count <= SMALL;
      tools.hidden = canvas.hidden;
      if (there && url !== shown) load(url, count);
      if (there) picture.hide();
      else if (frame.preview) picture.show(frame, layer);
      dirty = true;
    },
    hide() {
      canvas.hidden = large.hidden = tools.hidden = true;
      picture.hide();
    },
    give: {
      image() {
        const board = large.hidden ? canvas : large;
        if (board.hidden) return picture.give.image();
        if (board === large) renderer.paint();
        else paint();
        return board.toDataURL("image/png");
      },
    },
  };
});
