// The film of a run: a few thumbnails and a scrubber over the frames that the browser already has.

export class Filmstrip {
  constructor(box, scrub, go) {
    this.box = box;
    this.scrub = scrub;
    this.go = go;
  }

  /** As many thumbnails as there is room for, evenly picked. */
  lay(film, layer) {
    const room = Math.max(4, Math.min(10, Math.floor(this.box.parentElement.clientWidth / 60)));
    const count = Math.min(room, film.length);
    const thumbs = Array.from({ length: count }, (_, i) => {
      const at = count === 1 ? 0 : Math.round((i * (film.length - 1)) / (count - 1));
      const thumb = document.createElement("img");
      thumb.src = film[at][layer] || film[at].preview;
      thumb.dataset.at = at;
      thumb.alt = `Step ${film[at].step}`;
      thumb.setAttribute("role", "option");
      thumb.onclick = () => this.go(at);
      return thumb;
    });
    this.box.replaceChildren(...thumbs);
    this.scrub.max = film.length;
    this.scrub.disabled = film.length < 2;
  }

  mark(at) {
    this.scrub.value = at + 1;
    const thumbs = [...this.box.children];
    const distance = (thumb) => Math.abs(Number(thumb.dataset.at) - at);
    const nearest = thumbs.reduce((best, thumb) => (distance(thumb) < distance(best) ? thumb : best), thumbs[0]);
    for (const thumb of thumbs) thumb.classList.toggle("on", thumb === nearest);
  }

  clear() {
    this.box.replaceChildren();
    this.scrub.disabled = true;
  }
}
