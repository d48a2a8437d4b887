// Two pictures of the same words and seed, unnamed; a vote by click or key; then who they were, and the ranking.
import { create, fixed, saveAs, toast } from "../core/dom.js";
import { registerPage } from "../core/registry.js";

const BODY = `<div class="match">
    <form class="ask"><input type="text" maxlength="2000" placeholder="Your own words, or leave it to the house"
      aria-label="What both are to draw"><button type="submit" class="send">Next pair</button></form>
    <p class="asked" aria-live="polite">Two pictures of the same words. Which one is better?</p>
    <div class="two"><figure><img alt="Left" hidden><figcaption></figcaption></figure>
      <figure><img alt="Right" hidden><figcaption></figcaption></figure></div>
    <div class="verdicts tools" role="toolbar" aria-label="Your vote">
      <button type="button" data-verdict="left" title="←">Left is better</button>
      <button type="button" data-verdict="tie" title="↓">A tie</button>
      <button type="button" data-verdict="bad" title="B">Both are bad</button>
      <button type="button" data-verdict="right" title="→">Right is better</button></div>
    <small>Keys: ← left, → right, ↓ a tie, B both bad, N next pair</small></div>
  <div class="card ranking"><h4>Ranking</h4><table class="beside"><thead><tr><th>
    <th title="Bradley-Terry strength">points
    <th title="95 % by the bootstrap">from, to<th title="Elo, which depends on the order of the votes">Elo<th>votes
    </thead><tbody></tbody></table><div class="tools"><button type="button" data-do="save">Save the votes</button>
    <button type="button" data-do="open">Add votes of others</button>
    <input type="file" accept=".jsonl,.json,.txt" hidden></div></div>`;
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie", b: "bad" };

registerPage("ballot", (element, _, { server, owner }) => {
  element.innerHTML = BODY;
  const [form, words, two, verdicts] = element.firstElementChild.children;
  const images = two.querySelectorAll("img");
  const captions = two.querySelectorAll("figcaption");
  const file = element.querySelector("[type=file]");
  let pair = "";
  let busy = false;
  let again = false; // whether another pair was asked for meanwhile

  function rank(rows) {
    const spread = (v) => (v === null ? "?" : fixed(v, 0));
    element.querySelector("tbody").replaceChildren(
      ...rows.map(({ name, strength, low, high, elo, votes }) => {
        const row =
          create(`<table><tr><th scope="row"></th><td>${fixed(strength, 0)}<td>${spread(low)}, ${spread(high)}
          <td>${fixed(elo, 0)}<td>${votes}</table>`).querySelector("tr");
        row.firstElementChild.textContent = name;
        return row;
      }),
    );
  }

  function allow(on) {
    for (const button of verdicts.children) button.disabled = !on;
  }

  /** Ask the server, one question at a time; null where it could not answer. */
  async function ask(name, ...given) {
    if (busy) return null;
    busy = true;
    try {
      const answer = await server[name](given);
      if (answer.error) toast(answer.error, true);
      return answer.error ? null : answer;
    } catch {
      toast("The server does not answer: is it still running?", true);
      return null;
    } finally {
      busy = false;
    }
  }

  async function next() {
    if (busy) {
      again = true;
      return;
    }
    allow(false);
    words.textContent = "Drawing two …";
    const answer = await ask("next_pair", owner(), form.firstElementChild.value);
    if (again) {
      again = false;
      next();
      return;
    }
    if (!answer) {
      words.textContent = "Press Next pair to try again.";
      return;
    }
    pair = answer.id;
    words.textContent = `“${answer.prompt}”`;
    answer.pictures.forEach((url, i) => {
      images[i].src = url;
      images[i].hidden = false;
      captions[i].textContent = "";
    });
    allow(true);
  }

  async function vote(verdict) {
    if (!pair || busy) return;
    allow(false);
    const answer = await ask("cast_vote", owner(), pair, verdict);
    pair = "";
    if (!answer) return;
    captions[0].textContent = answer.left;
    captions[1].textContent = answer.right;
    rank(answer.ranking);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    next();
  });
  verdicts.addEventListener("click", ({ target }) => target.dataset.verdict && vote(target.dataset.verdict));
  document.addEventListener("keydown", (event) => {
    if (!element.offsetParent || event.target.matches("input, textarea") || event.ctrlKey || event.metaKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "n") next();
    else if (KEYS[key] && pair) vote(KEYS[key]);
    else return;
    event.preventDefault();
  });
  element.querySelector("[data-do=save]").onclick = async () => {
    const answer = await ask("export_votes");
    if (answer) saveAs(URL.createObjectURL(new Blob([answer.text])), "darkroom-votes.jsonl");
  };
  element.querySelector("[data-do=open]").onclick = () => file.click();
  file.onchange = async () => {
    const answer = file.files[0] && (await ask("import_votes", await file.files[0].text()));
    file.value = "";
    if (!answer) return;
    toast(answer.say);
    rank(answer.ranking);
  };
  allow(false);
  /** The ranking and a first pair, once somebody looks. */
  const opened = new IntersectionObserver(async ([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    opened.disconnect();
    const answer = await ask("list_ranking");
    if (answer) rank(answer.ranking);
    next();
  });
  opened.observe(element);
});
