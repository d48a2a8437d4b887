// Small things that every module needs: elements, numbers, pictures, the toast.

export const byId = (id) => document.getElementById(id);

/** The first element of some markup. */
export function create(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

export const fixed = (x, digits = 2) => (x === undefined || x === null ? "–" : Number(x).toFixed(digits));
export const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
export const prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** An SVG path through values in [0, 1], drawn over 262 x 92 units with 1 on top. */
export function path(values, attributes) {
  if (!values.length) return "";
  const last = Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${((i * 262) / last).toFixed(1)} ${(88 - 82 * Math.min(1, v)).toFixed(1)}`);
  return `<path d="M${points.join("L")}" fill="none" ${attributes}/>`;
}

/** A picture, once it is decoded. */
export function loadImage(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = url;
  });
}

/** Hand a URL to the browser's downloads. */
export function saveAs(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

let fading = 0;

/** What was said is over: another tab, another run. */
export function hideToast() {
  if (byId("toast")) byId("toast").hidden = true;
}

/** One sentence over the page; a bad one stays longer. `action` is the label of a button, and what it does. */
export function toast(text, bad = false, action = null) {
  let box = byId("toast");
  if (!box) {
    box = create('<div id="toast" role="status"></div>');
    document.body.append(box);
  }
  box.textContent = text;
  if (action) {
    const button = create("<button type=button></button>");
    button.textContent = action[0];
    button.onclick = () => {
      box.hidden = true;
      action[1]();
    };
    box.append(button);
  }
  box.className = bad ? "bad" : "";
  box.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(
    () => {
      box.hidden = true;
    },
    bad || action ? 9000 : 5000,
  );
}

/** Bars as tall as some values, the tallest 84 units. */
export const bars = (values, width) => {
  const top = Math.max(...values, 1e-9);
  const wide = width / values.length;
  return values
    .map((v, i) => {
      const tall = (84 * v) / top;
      return `<rect x="${(i * wide).toFixed(2)}" width="${(0.85 * wide).toFixed(2)}" y="${90 - tall}" height="${tall}"
        fill="var(--safelight)"/>`;
    })
    .join("");
};
