// A clip: its frames lie in one sheet, row by row; they are played here. And the frames that it is to begin and end with.
window.darkroomClip = (tab) => {
  const $ = (id) => document.getElementById(`${tab}-${id}`);
  const ends = { image: '', last_image: '' };
  let end = 'image', sheet = null, clip = null, at = 0, playing = !matchMedia('(prefers-reduced-motion: reduce)').matches, since = 0, wanted = '';

  const cell = (k) => { const columns = Math.ceil(Math.sqrt(clip.of)); return [(k % columns) * clip.width, Math.floor(k / columns) * clip.height]; };

  function paint() {
    if (!sheet) return;
    const canvas = $('clip'), context = canvas.getContext('2d'), column = Number($('column').value);
    canvas.width = clip.width; canvas.height = clip.height;
    context.drawImage(sheet, ...cell(at), clip.width, clip.height, 0, 0, clip.width, clip.height);
    if (document.activeElement === $('column')) { context.fillStyle = 'rgba(255,74,46,.8)'; context.fillRect(column, 0, 1, clip.height); }
    $('frame').value = at + 1; $('at').textContent = `frame ${at + 1} of ${clip.frames}`;
  }

  function slice() {
    const canvas = $('slice'), context = canvas.getContext('2d'), column = Math.min(clip.width - 1, Number($('column').value));
    canvas.width = clip.frames; canvas.height = clip.height;
    for (let k = 0; k < clip.frames; k += 1) { const [x, y] = cell(k); context.drawImage(sheet, x + column, y, 1, clip.height, k, 0, 1, clip.height); }
  }

  function changes({ changes: lines, ways, real }) {
    const top = Math.max(0.5, real || 0, ...lines.flat()), mean = (line) => line.reduce((a, b) => a + b, 0) / Math.max(1, line.length);
    $('changes').innerHTML = lines.map((line, i) => `<path d="${line.map((v, k) => `${k ? 'L' : 'M'}${((k * 262) / Math.max(1, line.length - 1)).toFixed(1)} ${(88 - (80 * v) / top).toFixed(1)}`).join('')}"
      fill="none" stroke="var(${i ? '--mute' : '--safelight'})" stroke-width="2" stroke-dasharray="${['', '6 3', '2 3'][i]}"/>`).join('') + (real ? `<line x1="0" x2="262" y1="${88 - (80 * real) / top}" y2="${88 - (80 * real) / top}" stroke="var(--paper)" stroke-dasharray="1 4"/>` : '');
    $('flicker').textContent = `mean of 255: ${lines.map((line, i) => `${ways[i]} ${mean(line).toFixed(1)}`).join(' · ')}${real ? ` · real clips ${real} (dotted)` : ''}`;
  }

  // the sheet of a step; the frame that is shown stays
  function show(url, told) {
    wanted = url; $('now').hidden = true; $('clip').hidden = false;
    window.darkroomLoad(url).then((image) => {
      if (wanted !== url) return; // a newer one came first
      const columns = Math.ceil(Math.sqrt(told.clip.of)), rows = Math.ceil(told.clip.of / columns);
      sheet = image; clip = { ...told.clip, width: image.width / columns, height: image.height / rows };
      at = Math.min(at, clip.frames - 1); $('frame').max = clip.frames; $('column').max = clip.width - 1;
      paint(); slice(); changes(told);
    });
  }

  function tick(now) {
    requestAnimationFrame(tick);
    if (!playing || !sheet || now - since < 1000 / clip.fps) return;
    since = now; at = (at + 1) % clip.frames; paint();
  }
  requestAnimationFrame(tick);

  const button = document.querySelector(`#${tab}-tools [data-do=play]`);
  function play(on) { playing = on; button.textContent = on ? 'Pause' : 'Play'; button.setAttribute('aria-pressed', on); }
  button.onclick = () => play(!playing);
  play(playing);
  $('frame').oninput = (e) => { play(false); at = Number(e.target.value) - 1; paint(); };
  $('column').oninput = () => { if (sheet) { paint(); slice(); } };

  function frames() {
    for (const slot of document.querySelectorAll(`#${tab}-ends [data-end]`)) {
      const url = ends[slot.dataset.end];
      slot.style.backgroundImage = url ? `url(${url})` : ''; slot.classList.toggle('on', Boolean(url));
    }
  }
  // what is dropped goes where was clicked last; settings out of a file say both
  async function set(given) {
    if ('last_image' in given) Object.assign(ends, { image: given.image || '', last_image: given.last_image || '' });
    else if (given.image) { ends[given.first ? 'image' : end] = given.image; end = 'image'; }
    frames();
    return '';
  }
  document.getElementById(`${tab}-ends`).addEventListener('click', (e) => {
    const slot = e.target.closest('[data-end]');
    if (slot) { window.darkroom.choose(); end = slot.dataset.end; }
    if (e.target.closest('[data-do=clear]')) { ends.image = ends.last_image = ''; end = 'image'; frames(); }
  });
  document.querySelector(`#${tab}-drop`).addEventListener('cancel', () => { end = 'image'; }, true);

  // the frame that is seen; of several clips, the first one's
  function shot() {
    const canvas = document.createElement('canvas');
    canvas.width = clip.width / clip.across; canvas.height = clip.height;
    canvas.getContext('2d').drawImage(sheet, ...cell(at), canvas.width, clip.height, 0, 0, canvas.width, clip.height);
    return canvas.toDataURL('image/png');
  }
  return { set, get: (name) => ends[name], show, shot };
};
