// Five questions that end in a kind of model: the server answers, so that shell and page say the same.
import { create, fixed } from "../core/dom.js";
import { registerPage } from "../core/registry.js";

registerPage("chooser", (element, { questions, on }, { server, open }) => {
  const form = create('<div class="questions"></div>');
  const answer = create('<div class="card answer" aria-live="polite"></div>');
  const chosen = {};
  for (const [name, [title, choices]] of Object.entries(questions)) {
    const group = create('<fieldset><legend></legend><div class="seg"></div></fieldset>');
    group.firstElementChild.textContent = title;
    [chosen[name]] = Object.keys(choices);
    for (const [choice, label] of Object.entries(choices)) {
      const entry = create(`<label><input type="radio" name="${name}" value="${choice}"><span></span></label>`);
      entry.firstElementChild.checked = chosen[name] === choice;
      entry.lastElementChild.textContent = label;
      group.lastElementChild.append(entry);
    }
    form.append(group);
  }
  element.append(form, answer);

  /** Seconds as people say them. */
  const span = (s) => (s < 1 ? `${fixed(1000 * s, 0)} ms` : `${fixed(s, 1)} s`);
  let asked = 0;
  async function ask() {
    const mine = ++asked;
    const advice = await server.choose(Object.values(chosen));
    if (mine !== asked) return; // a later answer is on its way
    answer.replaceChildren(create("<h4></h4>"), create("<p></p>"));
    answer.firstElementChild.textContent = advice.error ? "" : advice.title;
    answer.lastElementChild.textContent = advice.error ?? advice.reason;
    if (advice.cost) {
      const meter = create('<p class="cost"></p>');
      const { seconds, calls } = advice.cost;
      meter.textContent = `${span(seconds)} for one, ${calls} network calls: measured here on ${on}.`;
      answer.append(meter);
    }
    if (advice.opens) {
      const button = create('<button type="button" class="send"></button>');
      button.textContent = `Open ${advice.opens.title}`;
      button.onclick = () => open(advice.opens.tab, advice.opens.model);
      answer.append(button);
    }
    for (const [title, why] of advice.refused ?? []) {
      const line = create('<p class="refused"><b></b> <span></span></p>');
      line.firstElementChild.textContent = `Not ${title.toLowerCase()}:`;
      line.lastElementChild.textContent = why;
      answer.append(line);
    }
  }
  form.addEventListener("change", ({ target }) => {
    chosen[target.name] = target.value;
    ask();
  });
  ask();
});
