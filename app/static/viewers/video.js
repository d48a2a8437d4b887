// A clip: its frames lie in one sheet, row by row, and are played here. Of several clips, side by side in each frame,
// the first one is given away.
import { create, loadImage, prefersStillness } from "../core/dom.js";
import { registerViewer } from "../core/registry.js";

const TOOLS = `<div id="tools" class="tools reel" hidden>
  <button type="button" data-do="play" aria-pressed="true">Pause</button>
  <input id="frame" type="range" min="1" max="1" value="1" aria-label="Frame">
  <output id="at">–</output></div>`;

registerViewer("video", (stage) => {
  const canvas = create(
    stage.markup('<canvas id="clip" class="clip" role="img" aria-label="The clip" hidden></canvas>'),
  );
  const tools = create(stage.markup(TOOLS));
  stage.print.append(canvas);
  stage.toolrows.append(tools);
  const scrub = tools.querySelector("input");
  const button = tools.querySelector("button");
  let sheet = null; // the picture of all frames
  let clip = null; // { frames, of, fps, across, width, height }
  let at = 0;
  let playing = !prefersStillness();
  let since = 0;
  let wanted = "";

  function cell(k) {
    const columns = Math.ceil(Math.sqrt(clip.of));
    return [(k % columns) * clip.width, Math.floor(k / columns) * clip.height];
  }

  function paint() {
    if (!sheet) return;
    canvas.width = clip.width;
    canvas.height = clip.height;
    const context = canvas.getContext("2d");
    context.drawImage(sheet, ...cell(at), clip.width, clip.height, 0, 0, clip.width, clip.height);
    if (viewer.column !== null) {
      context.fillStyle = "rgba(255,74,46,.8)";
      context.fillRect(viewer.column, 0, 1, clip.height);
    }
    scrub.value = at + 1;
    tools.querySelector("output").textContent = `frame ${at + 1} of ${clip.frames}`;
  }

  function play(on) {
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    button.setAttribute("aria-pressed", on);
  }

  function tick(now) {
    requestAnimationFrame(tick);
    if (!playing || !sheet || canvas.hidden || now - since < 1000 / clip.fps) return;
    since = now;
    at = (at + 1) % clip.frames;
    paint();
  }

  const viewer = {
    column: null, // the column of pixels that the inspector follows, marked while it is moved
    paint,
    show(frame, layer) {
      const url = frame[layer] || frame.preview;
      wanted = url;
      canvas.hidden = tools.hidden = false;
      loadImage(url).then((image) => {
        if (wanted !== url) return; // a newer one came first
        const columns = Math.ceil(Math.sqrt(frame.view.of));
        const rows = Math.ceil(frame.view.of / columns);
        sheet = image;
        clip = { ...frame.view, width: image.width / columns, height: image.height / rows };
        at = Math.min(at, clip.frames - 1);
        scrub.max = clip.frames;
        paint();
        viewer.loaded?.();
      });
    },
    hide() {
      canvas.hidden = tools.hidden = true;
    },
    /** One column of pixels, frame by frame from left to right. */
    slice(target, column) {
      if (!sheet) return;
      const x = Math.min(clip.width - 1, column);
      target.width = clip.frames;
      target.height = clip.height;
      const context = target.getContext("2d");
      for (let k = 0; k < clip.frames; k += 1) {
        const [left, top] = cell(k);
        context.drawImage(sheet, left + x, top, 1, clip.height, k, 0, 1, clip.height);
      }
    },
    width: () => clip?.width ?? 0,
    give: {
      image() {
        const still = document.createElement("canvas");
        still.width = clip.width / clip.across;
        still.height = clip.height;
        still
          .getContext("2d")
          .drawImage(sheet, ...cell(at), still.width, clip.height, 0, 0, still.width, clip.height);
        return still.toDataURL("image/png");
      },
    },
  };

  button.onclick = () => play(!playing);
  scrub.oninput = () => {
    play(false);
    at = Number(scrub.value) - 1;
    paint();
  };
  play(playing);
  requestAnimationFrame(tick);
  return viewer;
});
