// The row of tools of a board: one is held at a time, and `does` says what the other buttons do; and files read as pictures.
window.darkroomTools = ($, does) => {
  let held = $('tools').querySelector('[data-tool].on').dataset.tool;
  function hold(what) {
    held = what;
    $('tools').querySelectorAll('[data-tool]').forEach((b) => { b.classList.toggle('on', b.dataset.tool === what); b.setAttribute('aria-pressed', b.dataset.tool === what); });
  }
  $('tools').addEventListener('click', (e) => {
    const button = e.target.closest('button');
    if (button?.dataset.tool) hold(button.dataset.tool);
    does[button?.dataset.do]?.();
  });
  return { hold, now: () => held };
};
window.darkroomLoad = (source) => new Promise((done, failed) => { const picture = new Image(); picture.onload = () => done(picture); picture.onerror = failed; picture.src = source; });

// A canvas to paint masks on: brush, eraser, undo. The mask lies over the picture in the safelight's red.
window.darkroomCanvas = (tab) => {
  const $ = (id) => document.getElementById(`${tab}-${id}`);
  const image = $('base'), mask = $('mask');
  let url = '', last = null, past = [];
  const ink = mask.getContext('2d', { willReadFrequently: true });

  function size(width, height) {
    for (const sheet of [image, mask]) { sheet.width = width; sheet.height = height; }
    $('canvas').style.aspectRatio = `${width} / ${height}`;
    $('canvas').style.setProperty('--shape', width / height);
  }

  const load = window.darkroomLoad;

  async function set(given) {
    if (given.image && given.image !== url) {
      const picture = await load(given.image), kept = mask.width === picture.width && mask.height === picture.height && ink.getImageData(0, 0, mask.width, mask.height);
      size(picture.width, picture.height);
      image.getContext('2d').drawImage(picture, 0, 0);
      if (kept) ink.putImageData(kept, 0, 0);
      url = given.image; past = [];
    }
    if (given.mask) {
      const picture = await load(given.mask);
      if (picture.width !== mask.width || picture.height !== mask.height) return `The mask is ${picture.width} × ${picture.height} pixels, but the picture is ${mask.width} × ${mask.height}: give them the same size.`;
      remember();
      ink.clearRect(0, 0, mask.width, mask.height);
      ink.drawImage(picture, 0, 0);
      const pixels = ink.getImageData(0, 0, mask.width, mask.height);
      for (let i = 0; i < pixels.data.length; i += 4) pixels.data.set([255, 74, 46, pixels.data[i] > 127 ? 255 : 0], i);
      ink.putImageData(pixels, 0, 0);
    }
    return '';
  }

  function black() { // the mask as it travels: white where to change
    const sheet = document.createElement('canvas');
    sheet.width = mask.width; sheet.height = mask.height;
    const pixels = ink.getImageData(0, 0, mask.width, mask.height);
    for (let i = 0; i < pixels.data.length; i += 4) { const v = pixels.data[i + 3] > 127 ? 255 : 0; pixels.data.set([v, v, v, 255], i); }
    sheet.getContext('2d').putImageData(pixels, 0, 0);
    return sheet.toDataURL('image/png');
  }

  const get = (name) => (!url ? '' : name === 'mask' ? black() : url);
  const remember = () => { past.push(ink.getImageData(0, 0, mask.width, mask.height)); if (past.length > 30) past.shift(); };
  const undo = () => { if (past.length) ink.putImageData(past.pop(), 0, 0); };
  const clear = () => { remember(); ink.clearRect(0, 0, mask.width, mask.height); };

  function at(e) {
    const box = mask.getBoundingClientRect();
    return [((e.clientX - box.left) * mask.width) / box.width, ((e.clientY - box.top) * mask.height) / box.height];
  }

  function stroke(from, to) {
    ink.globalCompositeOperation = tools.now() === 'brush' ? 'source-over' : 'destination-out';
    ink.strokeStyle = '#ff4a2e'; ink.lineCap = ink.lineJoin = 'round';
    ink.lineWidth = (Number($('size').value) / 100) * Math.max(mask.width, mask.height);
    ink.beginPath(); ink.moveTo(...from); ink.lineTo(...to); ink.stroke();
    ink.globalCompositeOperation = 'source-over';
  }

  mask.addEventListener('pointerdown', (e) => { if (!url) return; e.preventDefault(); mask.setPointerCapture(e.pointerId); remember(); last = at(e); stroke(last, [last[0] + 0.01, last[1]]); });
  mask.addEventListener('pointermove', (e) => { if (!last) return; const now = at(e); stroke(last, now); last = now; });
  for (const end of ['pointerup', 'pointercancel']) mask.addEventListener(end, () => { last = null; });

  function save() {
    const link = document.createElement('a');
    link.href = black(); link.download = 'mask.png'; link.click();
  }

  const tools = window.darkroomTools($, { undo, clear, save });
  return { set, get, undo, clear };
};
