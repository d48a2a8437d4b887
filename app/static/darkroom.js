// The viewers in the browser, one a tab: each keeps the frames of its run, so that scrubbing asks the server nothing.
window.darkroom = (() => {
  const by = (id) => document.getElementById(id);
  const fixed = (x, n = 2) => (x === undefined || x === null ? '–' : Number(x).toFixed(n));
  const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

  const tabs = (name) => [...document.querySelectorAll('#tabs button[role=tab]')].filter((b) => b.textContent.trim().toLowerCase() === (name === 'shape' ? '3d' : name));

  function toast(text, bad) {
    let box = by('toast');
    if (!box) { box = document.createElement('div'); box.id = 'toast'; box.setAttribute('role', 'status'); document.body.append(box); }
    box.textContent = text; box.className = bad ? 'bad' : ''; box.hidden = false;
    clearTimeout(box.timer); box.timer = setTimeout(() => { box.hidden = true; }, bad ? 9000 : 5000);
  }

  function View(tab) {
    const $ = (id) => by(`${tab}-${id}`);
    let board = null; // the canvas, where the tab has one
    const beside = Boolean($('lines') || $('pile') || $('clip') || $('wave') || $('orbit')); // a sheet that stays beside the picture, or a canvas in its place
    let film = [], at = 0, spent = 0, show = $('canvas') && !beside ? 'canvas' : 'preview', word = -1, files = [], running = false, waiting = false, watched = false;

    function buttons(busy) {
      running = busy; waiting = busy && waiting;
      if (!busy && by('s-queue')) by('s-queue').textContent = 0;
      if ($('generate')) $('generate').disabled = busy;
      if ($('stop')) $('stop').disabled = !busy;
    }

    function picture(url, alt) {
      const now = $('now');
      $('empty').hidden = true; now.hidden = show === 'canvas'; now.src = url; now.alt = alt;
      $('send').hidden = false;
      $('send').querySelectorAll('button').forEach((b) => { b.hidden = !tabs(b.dataset.to).length || ($('wave') ? b.dataset.to !== 'audio' : ['audio', tab].includes(b.dataset.to)); });
    }

    function draw() {
      const frame = film[at];
      if (!frame) return;
      const final = at === film.length - 1 && pngs() === 1 && show === 'preview';
      picture(final ? files[0].url : frame[show] || frame.preview, `Step ${frame.step} of ${frame.steps}`);
      $('where').textContent = `step ${frame.step} of ${frame.steps} · ${frame.note}`;
      $('scrub').value = at + 1;
      [...$('film').children].forEach((thumb) => thumb.classList.toggle('on', Number(thumb.dataset.at) === nearest()));
      words(frame); heat(frame); numbers(frame); curve();
      if (frame.clip) canvas().show(frame[show] || frame.preview, frame);
      if ($('wave')) canvas().show(frame, at === film.length - 1 && spent);
      if ($('orbit')) canvas().show(frame, show);
    }

    const nearest = () => { const shown = [...$('film').children].map((t) => Number(t.dataset.at)); return shown.reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a), shown[0] ?? 0); };

    function strip() {
      const room = Math.max(4, Math.min(10, Math.floor($('film').parentElement.clientWidth / 60)));
      const many = Math.min(room, film.length), box = $('film');
      box.replaceChildren(...Array.from({ length: many }, (_, i) => {
        const index = many === 1 ? 0 : Math.round((i * (film.length - 1)) / (many - 1)), thumb = document.createElement('img');
        thumb.src = film[index][show] || film[index].preview; thumb.dataset.at = index; thumb.alt = `Step ${film[index].step}`;
        thumb.setAttribute('role', 'option'); thumb.onclick = () => { at = index; draw(); };
        return thumb;
      }));
    }

    function words(frame) {
      const box = $('words'), list = frame.words || [];
      if (box.dataset.words === JSON.stringify(list)) { [...box.children].forEach((b, i) => b.classList?.toggle('on', i === word)); return; }
      box.dataset.words = JSON.stringify(list); word = -1;
      if (!list.length) { box.innerHTML = '<small>Without words the model draws whatever comes to mind.</small>'; return; }
      box.replaceChildren(...list.map((text, i) => {
        const chip = document.createElement('button');
        chip.type = 'button'; chip.textContent = text; chip.title = `Where the picture looks at “${text}”`;
        chip.onclick = () => { word = word === i ? -1 : i; draw(); };
        return chip;
      }));
    }

    function heat(frame) {
      const canvas = $('heat'), map = word >= 0 && (frame.attention || [])[word];
      canvas.hidden = !map;
      if (!map) return;
      const side = Math.round(Math.sqrt(map.length)), small = document.createElement('canvas');
      small.width = small.height = side;
      const pixels = small.getContext('2d').createImageData(side, side);
      map.forEach((v, i) => pixels.data.set([255, 74, 46, Math.round(v * 0.8)], 4 * i));
      small.getContext('2d').putImageData(pixels, 0, 0);
      canvas.width = canvas.height = 256;
      const context = canvas.getContext('2d');
      context.fillStyle = 'rgba(14,12,11,.35)'; context.fillRect(0, 0, 256, 256);
      const tiles = grid(), part = 256 / tiles; // the map is the first picture's
      context.imageSmoothingQuality = 'high'; context.drawImage(small, 0, 0, part, part);
    }

    const grid = () => Math.ceil(Math.sqrt(Math.max(1, pngs() || Number(document.querySelector(`#${tab}-count input`)?.value) || 1)));

    function numbers(frame) {
      const place = frame.a === undefined ? '' : `<small>a = ${fixed(frame.a)} · σ = ${fixed(frame.sigma)} · |Δx̂<sub>0</sub>| = ${fixed(frame.moved, 3)}</small>`;
      $('equation').innerHTML = (frame.equation || '') + place;
    }

    function curve() {
      const svg = $('curve'), n = film.length;
      if (n < 2) { svg.replaceChildren(); return; }
      const top = Math.max(...film.slice(1).map((f) => f.moved || 0), 1e-6), x = (i) => (i * 262) / (n - 1);
      const line = (values) => values.map((v, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${(86 - 80 * Math.min(1, v)).toFixed(1)}`).join('');
      // RePaint's own way down, back up and down again, where there is one
      const walk = (times) => times.map((t, i) => `${i ? 'L' : 'M'}${((i * 262) / (times.length - 1)).toFixed(1)} ${(86 - 80 * t).toFixed(1)}`).join('');
      svg.innerHTML = `<path d="${line(film.map((f) => (f.moved || 0) / top))}" fill="none" stroke="var(--safelight)" stroke-width="2"/>`
        + `<path d="${film[at].schedule ? walk(film[at].schedule) : line(film.map((f) => f.sigma / (f.a + f.sigma) || 0))}" fill="none" stroke="var(--mute)" stroke-dasharray="${film[at].schedule ? '' : '3 4'}"/>`
        + `<line x1="${x(at)}" x2="${x(at)}" y1="0" y2="92" stroke="var(--paper)"/>`;
    }

    const cost = () => $('cost').querySelectorAll('td:nth-child(2)');

    function done(message) {
      film = message.film; files = message.files; at = film.length - 1; spent = message.cost.seconds;
      $('scrub').max = film.length; $('scrub').disabled = film.length < 2;
      const c = message.cost, told = [c.calls ?? '–', `${fixed(c.seconds)} s`, `${Math.round(1000 * c.previews)} ms`, `${fixed(c.first)} s`, megabytes(c.memory)];
      cost().forEach((cell, i) => { cell.textContent = told[i]; });
      by('s-memory').textContent = megabytes(c.memory); by('s-seed').textContent = message.seed; by('s-time').textContent = `${fixed(c.seconds)} s`;
      by('s-device').textContent = film[at].device || '–';
      links(); strip(); draw(); buttons(false);
      const cut = film[at].cut;
      if (message.warning) toast(message.warning, true);
      else if (cut) toast(`The prompt was longer than the encoder reads; this was cut: “${cut.slice(0, 80)}”`);
      else if (film[at].words && !film[at].words.length) toast('No words were given: this is what comes to mind.');
    }

    function links() {
      $('downloads').replaceChildren(...files.map((file, i) => {
        const link = document.createElement('a');
        link.href = file.url; link.download = file.name; link.textContent = /\.(mp4|webp|gif|zip|wav|flac|ply|splat|glb)$/.test(file.name) && pngs() <= 1 ? file.name.split('.').pop().toUpperCase() : film[at]?.clip && pngs() > 1 ? file.name : !file.name.endsWith('.png') ? file.name : pngs() === 1 ? 'Download PNG' : `PNG ${i + 1}`;
        return link;
      }));
    }

    const pngs = () => files.filter((file) => file.name.endsWith('.png')).length;

    function single(p) { // one finished picture, from the history
      film = []; files = [p]; word = -1; spent = 0;
      $('film').replaceChildren(); $('scrub').disabled = true; $('heat').hidden = true; $('curve').replaceChildren();
      $('words').dataset.words = ''; $('words').innerHTML = $('equation').innerHTML = '<small>Generate develops this picture again, with all its steps.</small>';
      cost().forEach((cell) => { cell.textContent = '–'; });
      picture(p.url, p.name);
      $('where').textContent = 'from the history; Generate develops it again'; by('s-seed').textContent = p.seed;
      if (p.frame) { film = [p.frame]; at = 0; files = p.files; draw(); } else if ($('orbit')) canvas().show({}, show);
      links();
    }

    const setAgain = (on) => { const box = document.querySelector(`#${tab}-again input`); if (box && box.checked !== on) box.click(); };

    function feed(m) {
      if (m.canvas && canvas()) { canvas().set(m.canvas).then((wrong) => wrong && toast(wrong, true)); if (!m.picture && !beside) choose('canvas'); }
      if (m.begin) { waiting = false; if (show === 'canvas') choose('preview'); film = []; files = []; spent = 0; $('downloads').replaceChildren(); $('where').textContent = 'loading'; }
      if (m.frame && running && !waiting) { film.push(m.frame); at = film.length - 1; draw(); canvas()?.come?.(m.frame); } // one that comes after a stop is of the run that was stopped
      if (m.done && !waiting) done(m.done);
      if (m.picture) single(m.picture);
      if (m.live) live(m.live);
      if (m.same_seed) setAgain(false);
    }

    // Gradio writes the place in the queue into its own element; people read it under the picture
    function place() {
      const found = /queue: (\d+)\/(\d+)/.exec($('queue').textContent);
      if (!found) return;
      by('s-queue').textContent = found[1];
      if (running && waiting) $('where').textContent = `place ${found[1]} of ${found[2]} in the queue`;
    }

    // the seed of the run: drawn before it and written into the form, so that it can be told and repeated
    function begin(again, seed) {
      waiting = true; buttons(true); $('where').textContent = 'loading'; canvas()?.start?.();
      if (!watched) new MutationObserver(place).observe($('queue'), { childList: true, subtree: true, characterData: true });
      watched = true;
      return again || seed === null ? crypto.getRandomValues(new Uint32Array(1))[0] : seed;
    }

    // whatever ended the run, and however early: the last picture stays, and the buttons work again
    function ended() {
      if ($('pile')) for (const wait of [0, 10000]) setTimeout(() => document.dispatchEvent(new Event('taught')), wait); // a stopped look ends late, and is saved
      if (!running) return; // Gradio tells of the end of a run that was stopped, too
      buttons(false);
      if (film.length) { $('scrub').max = film.length; $('scrub').disabled = film.length < 2; strip(); draw(); if (!files.length && film[at].splats) { files = [{ name: 'stopped.splat', url: film[at].splats.url }]; links(); } }
      else if ($('where').textContent === 'loading') $('where').textContent = '';
    }

    function stopped() {
      canvas()?.hush?.();
      const begun = !waiting;
      ended();
      if (begun && $('pile')) $('where').textContent = 'stopped; what was learnt is kept, in the list of LoRAs';
      else $('where').textContent = begun && film.length ? `stopped at step ${film[at].step} of ${film[at].steps}; the picture is kept` : 'stopped before it began';
    }

    function go(to) { if (film.length && !$('scrub').disabled) { at = Math.max(0, Math.min(film.length - 1, to)); draw(); } }

    function canvas() {
      if (!board && $('lines')) board = window.darkroomSketch(tab);
      else if (!board && $('pile')) board = window.darkroomPile(tab);
      else if (!board && $('clip')) board = window.darkroomClip(tab);
      else if (!board && $('wave')) board = window.darkroomSound(tab);
      else if (!board && $('orbit')) board = window.darkroomShape(tab);
      else if (!board && $('canvas')) { board = window.darkroomCanvas(tab); board.set({ image: $('canvas').dataset.example }); $('send').hidden = false; }
      return board;
    }

    const prompt = (of) => document.querySelector(`#${of}-prompt textarea`);

    // "Edit this", "Sketch this": the picture that is seen, finished or not, onto the canvas of another tab; its words too, where none are there yet
    function send(to) {
      const url = show === 'canvas' ? canvas().get('image') : film[at]?.clip || ($('orbit') && !$('orbit').hidden) ? canvas().shot() : pngs() === 1 && at === Math.max(0, film.length - 1) ? files[0].url : $('now').src;
      tabs(to).forEach((b) => b.click());
      const come = () => {
        view(to).feed({ canvas: to === 'audio' ? { sound: canvas().shot() } : { image: url, first: true } });
        if (to !== 'shape' && prompt(tab)?.value && prompt(to)?.value === '') { prompt(to).value = prompt(tab).value; prompt(to).dispatchEvent(new Event('input', { bubbles: true })); }
      };
      setTimeout(() => requestAnimationFrame(come), 50); // by then a tab that is seen for the first time has its first values
    }

    // pix2pix draws at every stroke: one request at a time, and the last stroke is never lost
    let drawing = 0, again = false;
    function redraw() {
      if (document.querySelector(`#${tab}-model input:checked`)?.value !== 'pix2pix') return;
      if (Date.now() - drawing < 5000) again = true; else { drawing = Date.now(); $('live').click(); } // an answer that got lost stops nothing for long
    }

    function live(m) {
      drawing = 0; film = []; files = []; $('downloads').replaceChildren(); $('film').replaceChildren(); $('scrub').disabled = true;
      if (m.url) picture(m.url, 'The drawing as a picture');
      else { $('now').hidden = true; $('empty').hidden = false; }
      $('where').textContent = m.note;
      if (again) { again = false; redraw(); }
    }

    function choose(what) {
      show = what;
      if ($('canvas') && !beside) { $('canvas').hidden = $('tools').hidden = what !== 'canvas'; $('now').hidden = what === 'canvas' || !$('now').src; $('heat').hidden = true; }
      $('seg').querySelectorAll('button').forEach((b) => { b.classList.toggle('on', b.dataset.show === what); b.setAttribute('aria-pressed', b.dataset.show === what); });
      if (film.length) { strip(); draw(); }
    }

    $('send').onclick = (e) => e.target.dataset.to && send(e.target.dataset.to);
    if ($('lines')) $('lines').addEventListener('drawn', redraw);
    return { feed, begin, ended, stopped, choose, go, canvas, redraw, step: (n) => go(at + n), running: () => running, generate: () => $('generate')?.click(), stop: () => $('stop')?.click() };
  }

  const views = {};
  const view = (tab) => (views[tab] ??= View(tab));
  const open = () => [...document.querySelectorAll('.desk')].find((desk) => desk.offsetParent)?.id.split('-')[0]; // the tab that is seen
  const owner = (element) => element.closest('.desk').id.split('-')[0];

  async function share(link) {
    const url = `${location.origin}${location.pathname}?s=${link}`;
    history.replaceState(null, '', url);
    try { await navigator.clipboard.writeText(url); toast('The link to these settings is copied.'); } catch { toast('The link to these settings is in the address bar.'); }
  }

  function feed(value) {
    if (!value) return;
    const m = JSON.parse(value);
    if (m.tab) view(m.tab).feed(m);
    if (m.hello) by('s-memory').textContent = megabytes(m.hello.memory);
    if (m.link) share(m.link);
    if (m.say) toast(m.say);
    if (m.error) toast(m.error, true);
  }

  document.addEventListener('keydown', (e) => {
    const tab = open();
    if (!tab) return;
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) && (e.target.type !== 'range' || e.target.classList.contains('own')) || e.target.classList.contains('orbit');
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); view(tab).generate(); }
    else if (e.key === 'Escape' && view(tab).running()) view(tab).stop();
    else if (!typing && e.key === 'ArrowLeft') { e.preventDefault(); view(tab).step(-1); }
    else if (!typing && e.key === 'ArrowRight') { e.preventDefault(); view(tab).step(1); }
  }, true);
  document.addEventListener('input', (e) => { if (e.target.classList.contains('scrub')) view(owner(e.target)).go(Number(e.target.value) - 1); });
  document.addEventListener('click', (e) => { const choice = e.target.closest?.('.seg button'); if (choice) view(owner(choice)).choose(choice.dataset.show); });

  // a picture dropped anywhere goes to the file field of the open tab
  const receiver = () => document.querySelector(`#${open()}-drop input[type=file]`);
  const holdsFile = (e) => [...(e.dataTransfer?.types || [])].includes('Files');
  document.addEventListener('dragover', (e) => { if (holdsFile(e)) { e.preventDefault(); document.body.classList.add('dropping'); } });
  document.addEventListener('dragleave', (e) => { if (!e.relatedTarget) document.body.classList.remove('dropping'); });
  document.addEventListener('drop', (e) => {
    document.body.classList.remove('dropping');
    const input = receiver();
    if (!holdsFile(e) || !input) return;
    e.preventDefault(); e.stopPropagation();
    take([...e.dataTransfer.files]);
  }, true);

  // a pile takes every file in the browser; elsewhere the first one goes to the server
  function take(files) {
    const pile = view(open()).canvas();
    if (pile?.add) { pile.add(files).then((wrong) => wrong && toast(wrong, true)); return; }
    const carrier = new DataTransfer(), input = receiver();
    carrier.items.add(files[0]);
    input.files = carrier.files; input.dispatchEvent(new Event('change', { bubbles: true }));
  }
  // ... and so does what is chosen from the file dialog, before Gradio uploads it
  document.addEventListener('change', (e) => {
    const pile = e.target.closest?.('#train-drop') && view('train').canvas();
    if (pile) { e.stopPropagation(); take([...e.target.files]); e.target.value = ''; }
  }, true);

  // a click on a picture of the sheet tells the server which
  function chooser(element, trigger) {
    element.addEventListener('click', (e) => {
      const chosen = e.target.closest('[data-id]');
      if (chosen && view(open()).running()) toast('Stop the run first, then open an older picture.', true);
      else if (chosen) trigger('click', { id: Number(chosen.dataset.id), tab: open() });
    });
  }

  const on = (name) => (tab, ...told) => view(tab)[name](...told);
  // A run begins: the seed is chosen, and what the input editor gives goes along as one JSON object. After owner,
  // "settings in files" and the model's name come "new seed each time" and that object.
  function run(tab, values, names, seedAt) {
    values[seedAt] = view(tab).begin(values[3], values[seedAt]);
    values[4] = JSON.stringify(Object.fromEntries(names.map((name) => [name, view(tab).canvas().get(name)])));
    return values;
  }

  // the tab that is open, and whether a picture is given there
  const shown = (tab, names) => open() + (open() === tab && names.some((name) => view(tab).canvas()?.get(name)) ? ' with a picture' : '');

  // the looks of a training, one below the other in one picture, under what was given
  function replay(range) {
    const box = range.closest('.replay'), told = JSON.parse(box.dataset.told), at = Number(range.value), rows = told.step.length;
    box.querySelector('.made').style.backgroundPositionY = `${(100 * (at + 1)) / rows}%`;
    box.querySelector('small').textContent = `after ${told.step[at]} steps · agreement with the control ${fixed(told.agreement[at])}`;
  }
  document.addEventListener('input', (e) => { if (e.target.closest?.('.replay')) replay(e.target); });

  // LoRAs, a slider each; the component's value is the text that Settings reads
  const worn = (value) => new Map((value || '').split(',').filter((part) => part.trim()).map((part) => { const [name, strength] = part.split(':'); return [name.trim(), Number(strength ?? 1)]; }));
  let known = []; // here and not in the component's own properties, which Gradio drops when it updates the value
  const sliders = (value) => known.map(([name, word]) => {
    const strength = worn(value).get(name) ?? 0;
    return `<label class="lora"><b>${name}</b><small>${word && `say “${word}”`}</small><output>${fixed(strength)}</output>
      <button type="button" class="send" data-save="${name}">Save</button>
      <input type="range" min="-1" max="2" step="0.05" value="${strength}" data-name="${name}"></label>`;
  }).join('') || '<small>None is there yet.</small>';
  function loras(element, props, server) {
    const list = () => server.list_loras().then((all) => {
      // what is drawn anew loses a slider that is being moved
      if (JSON.stringify(all) !== JSON.stringify(known)) props.known = known = all;
    });
    element.addEventListener('input', (e) => { e.target.closest('.lora').querySelector('output').textContent = fixed(e.target.value); });
    element.addEventListener('click', async (e) => {
      const name = e.target.dataset.save;
      if (!name) return;
      e.preventDefault();
      const link = document.createElement('a');
      link.href = await server.lora_url(name); link.download = `lora-${name}.safetensors`; link.click();
    });
    element.addEventListener('change', (e) => {
      const strengths = worn(props.value).set(e.target.dataset.name, Number(e.target.value));
      props.value = [...strengths].filter(([, strength]) => strength).map((pair) => pair.join(':')).join(', ');
    });
    document.addEventListener('taught', list);
    requestAnimationFrame(list); // Gradio writes the value of what it shows for the first time once more a frame later: no slider may be there before
  }

  // a mask to the server and back, for what OpenCV does to it
  document.addEventListener('click', (e) => {
    const button = e.target.closest?.('[data-op]');
    if (button) by(`${owner(button)}-op-${button.dataset.op}`).click();
    if (e.target.closest?.('[data-do=picture]')) receiver()?.click();
    if (e.target.closest?.('[data-do=open]')) by(`${owner(e.target)}-mask-file`).querySelector('input[type=file]').click();
  });
  document.addEventListener('paste', (e) => {
    const files = [...(e.clipboardData?.files || [])];
    if (!files.length || !receiver()) return;
    e.preventDefault();
    take(files);
  });
  // A tab's input editor begins when its inspector is there, too: Gradio mounts one after the other.
  function ready(tab) {
    if (by(`${tab}-curve`)) view(tab).canvas();
    else requestAnimationFrame(() => ready(tab));
  }

  return {
    feed, open, shown, run, chooser, toast, loras, sliders, ready,
    get: (tab, name) => view(tab).canvas().get(name),
    waiting: (tab) => view(tab).canvas().waiting(),
    redraw: on('redraw'), ended: on('ended'), stopped: on('stopped'),
    choose: () => receiver()?.click(),
  };
})();
