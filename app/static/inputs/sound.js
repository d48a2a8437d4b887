// A sound to work on: chosen, dropped or recorded, with a span to mark in it.
import { create, toast } from "../core/dom.js";
import { registerEditor } from "../core/registry.js";
import RegionsPlugin from "../vendor/regions.esm.js";
import WaveSurfer from "../vendor/wavesurfer.esm.js";
import { waveColours } from "../viewers/audio.js";

const LONGEST = 3; // seconds of a span
const RECORDING = 30_000;
const BOX = `<div class="given"><span>A sound to work on, if you like</span>
  <div id="given" class="wave own-keys" role="img" aria-label="The sound; drag to mark a span"></div>
  <button type="button" class="send" data-do="choose">Choose</button>
  <button type="button" class="send" data-do="record" aria-pressed="false">Record</button>
  <button type="button" class="send" data-do="hear">Play</button>
  <button type="button" class="send" data-do="clear">Clear</button></div>`;

/** A recording of the microphone as a data URL, until `button` is pressed again. */
function record(button) {
  return new Promise((resolve, reject) => {
    navigator.mediaDevices.getUserMedia({ audio: true }).then((stream) => {
      const parts = [];
      const recorder = new MediaRecorder(stream);
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.readAsDataURL(new Blob(parts, { type: "audio/webm" }));
      };
      recorder.start();
      button.stop = () => recorder.state === "recording" && recorder.stop();
      setTimeout(button.stop, RECORDING);
    }, reject);
  });
}

registerEditor("sound", ({ stage, element, changed }) => {
  const box = create(stage.markup(BOX));
  element.append(box);
  let url = "";
  let wave = null;
  let regions = null;

  const number = (name) => document.querySelector(`#${stage.tab}-${name} input[type=number]`);
  function put(name, value) {
    const input = number(name);
    if (!input) return;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, value.toFixed(2));
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("blur"));
  }

  function open() {
    if (wave) return;
    const colours = waveColours();
    const container = box.querySelector(".wave");
    wave = WaveSurfer.create({ container, height: 48, normalize: true, ...colours });
    regions = wave.registerPlugin(RegionsPlugin.create());
    regions.enableDragSelection({ color: "rgba(255, 74, 46, .3)" });
    const mark = (region) => {
      for (const other of regions.getRegions()) if (other !== region) other.remove();
      put("start", region.start);
      put("end", Math.min(region.end, region.start + LONGEST));
    };
    regions.on("region-created", mark);
    regions.on("region-updated", mark);
  }

  async function set(values) {
    if (!("sound" in values || "audio" in values)) return "";
    url = values.sound || values.audio || "";
    element.classList.toggle("on", Boolean(url));
    if (url) open();
    regions?.clearRegions();
    try {
      await (url ? wave.load(url) : wave?.empty());
    } catch {
      /* the server reads more than the browser plays */
    }
    changed();
    return "";
  }

  async function toggleRecording(button) {
    if (button.stop) {
      button.stop();
      return;
    }
    const label = (on) => {
      button.textContent = on ? "Stop recording" : "Record";
      button.setAttribute("aria-pressed", on);
    };
    label(true);
    try {
      await set({ sound: await record(button) });
    } catch {
      toast("The microphone could not be used: allow it in the browser, or choose a file.", true);
    }
    button.stop = null;
    label(false);
  }

  box.addEventListener("click", ({ target }) => {
    const action = target.dataset.do;
    if (action === "choose") stage.chooseFile();
    if (action === "record") toggleRecording(target);
    if (action === "clear") set({ sound: "" });
    if (action === "hear") wave?.playPause();
  });

  return { names: ["sound"], get: () => url, set };
});
