// A pile of pictures to teach from: dropped, pasted or chosen; a click takes one away. They travel small, as squares.
window.darkroomPile = (tab) => {
  const $ = (id) => document.getElementById(`${tab}-${id}`);
  const pile = [], side = 256;

  const load = window.darkroomLoad;

  function show() {
    $('count-given').textContent = pile.length ? `${pile.length} of 5 to 40 pictures; a click takes one away` : 'Drop 5 to 40 pictures of one style here, or choose them.';
    $('pile').replaceChildren(...pile.map((url, i) => {
      const thumb = document.createElement('button'), picture = document.createElement('img');
      thumb.type = 'button'; thumb.title = 'Take it away'; picture.src = url; picture.alt = `Picture ${i + 1}`;
      thumb.onclick = () => { pile.splice(i, 1); show(); };
      thumb.append(picture);
      return thumb;
    }));
  }

  async function put(url) { // the middle square, on white
    const picture = await load(url), sheet = document.createElement('canvas'), least = Math.min(picture.width, picture.height), context = sheet.getContext('2d');
    sheet.width = sheet.height = side;
    context.fillStyle = '#fff'; context.fillRect(0, 0, side, side); context.imageSmoothingQuality = 'high';
    context.drawImage(picture, (picture.width - least) / 2, (picture.height - least) / 2, least, least, 0, 0, side, side);
    pile.push(sheet.toDataURL('image/png'));
  }

  // gives a sentence where a file is no picture; the others are kept
  async function add(files) {
    const wrong = [];
    for (const file of files) {
      const url = URL.createObjectURL(file);
      try { await put(url); } catch { wrong.push(file.name); }
      URL.revokeObjectURL(url);
    }
    show();
    return wrong.length ? `${wrong.slice(0, 3).join(', ')}${wrong.length > 3 ? ' and others' : ''} could not be opened as pictures: choose PNG, JPEG or WebP files.` : '';
  }

  async function set(given) {
    if (given.image) await put(given.image);
    if (given.pictures) pile.splice(0, pile.length, ...given.pictures);
    show();
    return '';
  }

  show();
  return { set, add, get: () => (pile.length ? JSON.stringify(pile) : ''), clear: () => { pile.length = 0; show(); } };
};
