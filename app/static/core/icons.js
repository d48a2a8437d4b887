// The icons of the viewer's bar and the history: strokes on a 20 x 20 grid.
const PATHS = {
  play: '<path d="M6 4l10 6-10 6z" fill="currentColor"/>',
  pause: '<path d="M7 4v12M13 4v12" stroke-width="2.6"/>',
  save: '<rect x="2.5" y="4" width="15" height="12" rx="1.5"/><path d="M6 4v12M14 4v12M6 10h8M2.5 8H6M2.5 12H6M14 8h3.5M14 12h3.5"/>',
  branch:
    '<circle cx="5.5" cy="4.5" r="2"/><circle cx="5.5" cy="15.5" r="2"/><circle cx="14.5" cy="7" r="2"/><path d="M5.5 6.5v7M14.5 9c0 3-4 3-8 5"/>',
  vary: '<rect x="2.5" y="7" width="4" height="6"/><rect x="8" y="5" width="4" height="10"/><rect x="13.5" y="7" width="4" height="6"/>',
  copy: '<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M13 4.5V3.5H3.5V13h1"/>',
  star: '<path d="M10 2.8l2.2 4.6 5 .6-3.7 3.5 1 5-4.5-2.5-4.5 2.5 1-5L2.8 8l5-.6z"/>',
  compare: '<rect x="3" y="4" width="14" height="12" rx="1.5"/><path d="M10 2v16"/>',
  full: '<path d="M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4"/>',
  close: '<path d="M5 5l10 10M15 5L5 15"/>',
};

/** Markup of an icon. */
export const icon = (name) =>
  `<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true">${PATHS[name]}</svg>`;
