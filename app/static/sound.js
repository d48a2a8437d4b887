// A sound: heard while it comes, played when it is there; and the sound that it is to start from, with a span to mark in it.
window.darkroomSound = (tab) => {
  const $ = (id) => document.getElementById(`${tab}-${id}`);
  const box = document.querySelector(`#${tab}-sound`), audio = $('audio'), wave = $('wave');
  let given = '', heard = null, samples = null, context = null, begun = 0, told = 0, run = 0, playing = [], shown = '', recorder = null, marking = null;

  const sound = () => (context ??= new AudioContext({ sampleRate: 16000 })); // made at a gesture: browsers allow none before
  const decode = async (url) => sound().decodeAudioData(await (await fetch(url)).arrayBuffer());

  function outline(canvas, buffer, marks = []) {
    const data = buffer.getChannelData(0), pen = canvas.getContext('2d'), width = (canvas.width = Math.max(200, canvas.clientWidth)), middle = canvas.height / 2;
    const colour = (name) => getComputedStyle(canvas).getPropertyValue(name);
    pen.fillStyle = colour('--safelight-dim');
    for (const [from, to] of marks) pen.fillRect((from / buffer.duration) * width, 0, ((to - from) / buffer.duration) * width, canvas.height);
    pen.fillStyle = colour('--paper');
    const loudest = Math.max(0.02, data.reduce((most, v) => Math.max(most, Math.abs(v)), 0)); // soft sounds have a shape, too
    for (let x = 0; x < width; x += 1) {
      let top = 0;
      for (let i = Math.floor((x * data.length) / width); i < ((x + 1) * data.length) / width; i += 8) top = Math.max(top, Math.abs(data[i]));
      top /= loudest;
      pen.fillRect(x, middle - top * middle, 1, Math.max(1, 2 * top * middle));
    }
  }

  // what is given
  const number = (name) => document.querySelector(`#${tab}-${name} input[type=number]`);
  const span = () => [Number(number('start')?.value), Number(number('end')?.value)];
  const refills = () => /anew/.test(document.querySelector(`#${tab}-method input`)?.value || '') && number('start')?.offsetParent;
  function lay() {
    box.classList.toggle('on', Boolean(given));
    if (heard) outline($('given'), heard, refills() ? [span()] : []);
  }
  async function set(laid) {
    if (!('sound' in laid)) return '';
    given = laid.sound || ''; heard = null;
    try { if (given) heard = await decode(given); } catch { /* the server reads more than the browser plays */ }
    lay();
    return '';
  }
  function put(name, value) {
    const input = number(name);
    if (!input) return;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value.toFixed(2));
    input.dispatchEvent(new Event('input', { bubbles: true })); input.dispatchEvent(new Event('blur'));
  }
  const second = (e) => { const frame = $('given').getBoundingClientRect(); return Math.max(0, Math.min(1, (e.clientX - frame.left) / frame.width)) * heard.duration; };
  $('given').onpointerdown = (e) => { if (heard) { marking = second(e); $('given').setPointerCapture(e.pointerId); } };
  $('given').onpointermove = (e) => { if (marking !== null) outline($('given'), heard, [[Math.min(marking, second(e)), Math.max(marking, second(e))]]); };
  $('given').onpointerup = (e) => {
    if (marking === null) return;
    const [from, to] = [marking, second(e)].sort((a, b) => a - b);
    marking = null;
    if (to - from > 0.05) { put('start', from); put('end', Math.min(to, from + 3)); }
    setTimeout(lay, 50);
  };
  document.addEventListener('input', (e) => { if (e.target.closest?.(`#${tab}-start, #${tab}-end, #${tab}-method`)) lay(); });

  async function record(button) {
    if (recorder) { recorder.stop(); return; }
    button.disabled = true; // while the browser asks
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), parts = [], own = new MediaRecorder(stream);
      recorder = own;
      recorder.ondataavailable = (e) => parts.push(e.data);
      recorder.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        recorder = null; button.textContent = 'Record'; button.setAttribute('aria-pressed', false);
        const reader = new FileReader();
        reader.onload = () => set({ sound: reader.result });
        reader.readAsDataURL(new Blob(parts, { type: 'audio/webm' }));
      };
      recorder.start(); button.textContent = 'Stop recording'; button.setAttribute('aria-pressed', true);
      setTimeout(() => own.state === 'recording' && own.stop(), 30000);
    } catch { window.darkroom.toast('The microphone could not be used: allow it in the browser, or choose a file.', true); }
    button.disabled = false;
  }
  box.addEventListener('click', (e) => {
    const what = e.target.dataset.do;
    if (what === 'record') record(e.target);
    if (what === 'clear') { given = ''; heard = null; $('given').getContext('2d').clearRect(0, 0, 1e4, 1e4); lay(); }
    if (what === 'hear' && heard) { const source = sound().createBufferSource(); source.buffer = heard; source.connect(sound().destination); source.start(); }
  });

  // what comes: each message has all so far; what is new of it is put behind what plays already, sample by sample
  function hush() { run += 1; playing.forEach((source) => source.stop()); playing = []; }
  function start() { hush(); sound().resume(); begun = told = 0; audio.pause(); }
  async function come(frame) {
    if (!frame.sound?.url || !frame.codes || !$('aloud').checked) return;
    const mine = run, buffer = await decode(frame.sound.url), now = sound().currentTime, skip = Math.round(16000 * (frame.sound.before || 0)) + told;
    if (mine !== run || buffer.length <= skip) return;
    if (!told || begun + told / 16000 < now) begun = now + 0.08 - told / 16000; // at the beginning, and where it was late
    const part = sound().createBuffer(1, buffer.length - skip, 16000), source = sound().createBufferSource();
    part.copyToChannel(buffer.getChannelData(0).subarray(skip), 0);
    source.buffer = part; source.connect(sound().destination); source.start(begun + told / 16000);
    playing.push(source); told += part.length;
  }

  // what is there at a step: its spectrogram is the picture, its sound is in the player
  function show(frame, seconds) {
    const url = frame.sound?.url || '';
    if (url && url !== shown) {
      audio.src = shown = url; audio.loop = Boolean(document.querySelector(`#${tab}-loop input`)?.checked);
      decode(url).then((buffer) => { samples = buffer; outline(wave, buffer); });
    }
    $('player').hidden = !url;
    $('factor').textContent = seconds && frame.sound ? `${(frame.sound.seconds / seconds).toFixed(1)} × real time` : '';
    $('codes').closest('.card').hidden = !frame.codes; $('stages').closest('.card').hidden = !frame.stages; $('curve').closest('.card').hidden = frame.moved === undefined;
    if (frame.codes) grid(frame);
    if (frame.stages) stages(frame.stages);
  }
  // codes as they were written: book k a step later than book k − 1
  function grid({ codes, of }) {
    const canvas = $('codes'), books = codes[0]?.length || 6, pen = canvas.getContext('2d');
    canvas.width = of + books - 1; canvas.height = books;
    codes.forEach((row, n) => row.forEach((code, k) => { pen.fillStyle = `hsl(${(code * 137.5) % 360} 45% 55%)`; pen.fillRect(n + k, k, 1, 1); }));
  }
  function stages(list) {
    $('stages').innerHTML = '<tr><td>codebooks<td>kbit/s<td>SNR<td>mel distance' + list.map((s) => `<tr><td>${s.books}<td>${s.bits / 1000}<td>${s.snr.toFixed(1)} dB<td>${s.mel.toFixed(3)}`).join('');
  }
  function cursor() {
    requestAnimationFrame(cursor);
    if (samples && !audio.paused) $('now-line').style.left = `${(100 * audio.currentTime) / (audio.duration || 1)}%`;
  }
  requestAnimationFrame(cursor);
  wave.onclick = (e) => { if (audio.duration) { audio.currentTime = (e.offsetX / wave.clientWidth) * audio.duration; audio.play(); } };
  window.addEventListener('resize', () => { lay(); if (samples) outline(wave, samples); });
  return { set, get: () => given, show, come, start, hush, shot: () => shown };
};
