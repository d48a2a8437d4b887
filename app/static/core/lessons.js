// Two-minute lessons (app/lessons.py): a small card leads through a tab; what it speaks of is outlined.
import { create } from "./dom.js";
import { icon } from "./icons.js";
import { openMenu } from "./menu.js";

const CARD = `<aside class="lesson own-keys" aria-label="Lesson">
  <header><b></b><button type="button" class="icon" data-do="close" aria-label="Close">${icon("close")}</button></header>
  <p aria-live="polite"></p>
  <div class="foot"><span></span><button type="button" data-do="back">Back</button>
    <button type="button" data-do="next" class="on">Next</button></div>
</aside>`;

let lessons = [];
let page = null; // { stage(tab), showTab(tab) }
let card = null;
let lesson = null;
let at = 0;

export function setLessons(list, given) {
  lessons = list;
  page = given;
}

export const offerLessons = (near) =>
  openMenu(
    near,
    lessons.map((one) => [one.title, () => begin(one)]),
  );

function begin(one) {
  lesson = one;
  card ??= create(CARD);
  card.onclick = ({ target }) => {
    const action = target.closest("[data-do]")?.dataset.do;
    if (action === "close" || (action === "next" && at === lesson.steps.length - 1)) close();
    else if (action) go(at + (action === "next" ? 1 : -1));
  };
  document.body.append(card);
  page.showTab(lesson.tab);
  const goOn = () => (page.stage(lesson.tab).form ? go(0) : setTimeout(goOn, 100));
  setTimeout(goOn, 100); // a tab that is seen for the first time gets its first values
}

function close() {
  card.remove();
  outline(null);
}

function outline(element) {
  document.querySelector(".pointed")?.classList.remove("pointed");
  element?.classList.add("pointed");
  element?.scrollIntoView({ block: "nearest" });
}

function go(to) {
  at = to;
  const step = lesson.steps[at];
  const stage = page.stage(lesson.tab);
  const [title, text, foot] = card.children;
  title.firstElementChild.textContent = lesson.title;
  text.textContent = step.say;
  const [count, back, next] = foot.children;
  count.textContent = `${at + 1} of ${lesson.steps.length}`;
  back.disabled = at === 0;
  next.textContent = at === lesson.steps.length - 1 ? "Done" : "Next";
  next.focus();
  outline(step.point ? stage.$(step.point) : stage.root);
  const { form, variations } = stage;
  const act = () => (step.run ? form.run() : step.vary && variations.ask(step.vary));
  if (step.starter) form.start(step.starter, stage.options.starters.find(([label]) => label === step.starter)?.[2]);
  else if (step.fill) form.fill(step.fill, act);
  else act();
}
