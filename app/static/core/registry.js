// What the page is put together from. Each module registers itself; nobody else names it.

/** Viewers by kind of result: mount(stage) -> { show(frame, layer), hide(), give: { image?(), audio?() },
 * begin?(), grow?(frame), silence?() }. */
export const viewers = {};
export const registerViewer = (kind, mount) => {
  viewers[kind] = mount;
};

/** Input editors by name: mount(context) -> { names, get(name), set(values), showTools?(on), addFiles?(files) }. */
export const editors = {};
export const registerEditor = (name, mount) => {
  editors[name] = mount;
};

/** What can be shown in a stage's place, by name: mount(element, data, { server, open }). */
export const pages = {};
export const registerPage = (name, mount) => {
  pages[name] = mount;
};

/** Inspector cards in order: { title, html, folded?, applies(frame), mount?(body, stage), draw(body, frame, stage) }. */
export const cards = [];
export const registerCard = (card) => cards.push(card);
