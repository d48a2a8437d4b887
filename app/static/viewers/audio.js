// A sound: its spectrogram is the picture, its waveform is below. While a model writes it, it is played as it comes.
import { byId, create } from "../core/dom.js";
import { registerViewer } from "../core/registry.js";
import WaveSurfer from "../vendor/wavesurfer.esm.js";

const RATE = 16000; // of every sound of the house

const TOOLS = `<div id="tools" class="tools player" hidden><div id="player" hidden>
    <div id="wave" class="wave own-keys" role="img" aria-label="The waveform; a click plays from there"></div>
    <audio id="audio" controls></audio></div>
  <label><input id="aloud" type="checkbox" checked> Play while generating</label>
  <output id="factor"></output></div>`;

let context = null;

/** The audio context, made at a gesture: browsers allow none before. */
export function audioContext() {
  context ??= new AudioContext({ sampleRate: RATE });
  return context;
}

export const decode = async (url) => audioContext().decodeAudioData(await (await fetch(url)).arrayBuffer());

/** Colours of a waveform, from the page's palette. */
export function waveColours() {
  const style = getComputedStyle(document.documentElement);
  const dark = document.body.classList.contains("dark");
  const of = (name) => (dark ? getComputedStyle(document.body) : style).getPropertyValue(name);
  return { waveColor: of("--mute"), progressColor: of("--paper"), cursorColor: of("--safelight") };
}

registerViewer("audio", (stage) => {
  const picture = stage.viewer("image");
  const tools = create(stage.markup(TOOLS));
  stage.toolrows.append(tools);
  const audio = tools.querySelector("audio");
  const player = tools.firstElementChild;
  let wave = null;
  let url = "";
  // while it is written: what is new of each message is put behind what plays already, sample by sample
  let run = 0;
  let startedAt = 0;
  let played = 0; // samples
  let sources = [];

  function silence() {
    run += 1;
    for (const source of sources) source.stop();
    sources = [];
  }

  async function playNew({ url: sound, before = 0 }) {
    const mine = run;
    const buffer = await decode(sound);
    const now = audioContext().currentTime;
    const skip = Math.round(RATE * before) + played;
    if (mine !== run || buffer.length <= skip) return;
    // at the beginning, and where it was late
    if (!played || startedAt + played / RATE < now) startedAt = now + 0.08 - played / RATE;
    const part = audioContext().createBuffer(1, buffer.length - skip, RATE);
    const source = audioContext().createBufferSource();
    part.copyToChannel(buffer.getChannelData(0).subarray(skip), 0);
    source.buffer = part;
    source.connect(audioContext().destination);
    source.start(startedAt + played / RATE);
    sources.push(source);
    played += part.length;
  }

  function load(sound) {
    url = audio.src = sound;
    audio.loop = Boolean(document.querySelector(`#${stage.tab}-loop input`)?.checked);
    player.hidden = false;
    if (!wave)
      wave = WaveSurfer.create({
        container: byId(`${stage.tab}-wave`),
        media: audio,
        height: 64,
        normalize: true,
        ...waveColours(),
      });
  }

  return {
    begin() {
      silence();
      audioContext().resume();
      startedAt = played = 0;
      audio.pause();
    },
    silence,
    grow(frame) {
      if (frame.view.url && frame.codes && tools.querySelector("[type=checkbox]").checked) playNew(frame.view);
    },
    show(frame, layer) {
      picture.show(frame, layer);
      tools.hidden = false;
      const sound = frame.view.url || "";
      if (sound && sound !== url) load(sound);
      player.hidden = !sound;
      const faster = stage.seconds && frame === stage.film.at(-1) && frame.view.seconds / stage.seconds;
      tools.querySelector("output").textContent = faster ? `${faster.toFixed(1)} × real time` : "";
    },
    hide() {
      picture.hide();
      tools.hidden = true;
      audio.pause();
    },
    give: { audio: () => url },
  };
});
