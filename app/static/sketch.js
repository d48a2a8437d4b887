// A sheet of paper to draw on: lines by the pen, colours by the brush under them. Each is a control of its own.
window.darkroomSketch = (tab) => {
  const $ = (id) => document.getElementById(`${tab}-${id}`);
  const sheets = { pen: $('lines'), colour: $('colours') }, top = sheets.pen, side = top.width;
  const ink = Object.fromEntries(Object.entries(sheets).map(([name, sheet]) => [name, sheet.getContext('2d', { willReadFrequently: true })]));
  let last = null, past = [], waiting = '';

  const whole = (name) => ink[name].getImageData(0, 0, side, side);
  const blank = (name) => !whole(name).data.some((v, i) => i % 4 === 3 && v);
  const told = () => top.dispatchEvent(new CustomEvent('drawn', { bubbles: true }));
  const remember = () => { past.push({ pen: whole('pen'), colour: whole('colour') }); if (past.length > 30) past.shift(); };
  const undo = () => { const before = past.pop(); if (before) { for (const name in ink) ink[name].putImageData(before[name], 0, 0); told(); } };
  const clear = () => { remember(); for (const name in ink) ink[name].clearRect(0, 0, side, side); told(); };

  function get(name) { // as it travels: on white paper; nothing drawn is nothing
    const of = name === 'control' ? 'pen' : 'colour';
    if (blank(of)) return '';
    const paper = document.createElement('canvas');
    paper.width = paper.height = side;
    const context = paper.getContext('2d');
    context.fillStyle = '#fff'; context.fillRect(0, 0, side, side); context.drawImage(sheets[of], 0, 0);
    return paper.toDataURL('image/png');
  }

  const load = window.darkroomLoad;

  async function lay(name, url) { // dark pixels are lines; whatever is not white is colour
    ink[name].clearRect(0, 0, side, side);
    if (!url) return;
    ink[name].drawImage(await load(url), 0, 0, side, side);
    const pixels = whole(name), d = pixels.data;
    for (let i = 0; i < d.length; i += 4) {
      if (name === 'pen') d.set([27, 22, 19, ((255 - (d[i] + d[i + 1] + d[i + 2]) / 3) * 255) / (255 - 68 / 3)], i); // the ink's own darkness is opaque
      else if (d[i] > 250 && d[i + 1] > 250 && d[i + 2] > 250) d[i + 3] = 0;
    }
    ink[name].putImageData(pixels, 0, 0);
  }

  async function set(given) {
    if (given.image) { waiting = given.image; $('trace').click(); return ''; } // the server finds its lines and colours, and calls again
    remember();
    if ('control' in given) await lay('pen', given.control);
    if ('control2' in given) await lay('colour', given.control2);
    told();
    return '';
  }

  function at(e) {
    const box = top.getBoundingClientRect();
    return [((e.clientX - box.left) * side) / box.width, ((e.clientY - box.top) * side) / box.height];
  }

  function stroke(from, to) {
    const tool = tools.now();
    for (const name of tool === 'eraser' ? ['pen', 'colour'] : [tool]) {
      const context = ink[name], width = Number($('size').value);
      context.globalCompositeOperation = tool === 'eraser' ? 'destination-out' : 'source-over';
      context.strokeStyle = name === 'pen' ? '#1b1613' : $('hue').value; context.lineCap = context.lineJoin = 'round';
      context.lineWidth = tool === 'pen' ? width : 5 * width;
      context.beginPath(); context.moveTo(...from); context.lineTo(...to); context.stroke();
      context.globalCompositeOperation = 'source-over';
    }
  }

  top.addEventListener('pointerdown', (e) => { e.preventDefault(); top.setPointerCapture(e.pointerId); remember(); last = at(e); stroke(last, [last[0] + 0.01, last[1]]); });
  top.addEventListener('pointermove', (e) => { if (!last) return; const now = at(e); stroke(last, now); last = now; told(); });
  for (const end of ['pointerup', 'pointercancel']) top.addEventListener(end, () => { if (last) { last = null; told(); } });

  const tools = window.darkroomTools($, { undo, clear });
  $('hue').addEventListener('input', () => tools.hold('colour'));
  return { set, get, undo, clear, waiting: () => waiting };
};
