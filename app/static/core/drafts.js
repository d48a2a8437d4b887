// What was typed, chosen and drawn survives a reload: forms in localStorage, what the input editors hold in IndexedDB.

const FORMS = "darkroom-forms";
const read = () => {
  try {
    return JSON.parse(localStorage.getItem(FORMS) ?? "{}");
  } catch {
    return {};
  }
};

/** Every tab's form as JSON, for the server, which checks it. */
export const savedForms = () => JSON.stringify(read());

/** Keep a form's values, by the names of its controls. */
export function saveForm(tab, form) {
  try {
    localStorage.setItem(FORMS, JSON.stringify({ ...read(), [tab]: form }));
  } catch {
    /* the browser keeps nothing: a private window, or a full disk */
  }
  // a link's settings were its address's; from now on they are the form's
  if (new URLSearchParams(location.search).has("s")) history.replaceState(null, "", location.pathname);
}

/** The one table of the database; null where the browser has none. */
function table(mode) {
  return new Promise((resolve) => {
    const request = indexedDB.open("darkroom", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("inputs");
    request.onsuccess = () => resolve(request.result.transaction("inputs", mode).objectStore("inputs"));
    request.onerror = () => resolve(null);
  });
}

const waiting = {};

/** Keep what an editor holds, soon: strokes come fast. */
export function saveInputs(tab, inputs) {
  clearTimeout(waiting[tab]);
  waiting[tab] = setTimeout(async () => (await table("readwrite"))?.put(inputs(), tab), 400);
}

/** What an editor held; null where nothing was kept. */
export async function savedInputs(tab) {
  const store = await table("readonly");
  if (!store) return null;
  return new Promise((resolve) => {
    const request = store.get(tab);
    request.onsuccess = () => resolve(request.result ?? null);
    request.onerror = () => resolve(null);
  });
}
