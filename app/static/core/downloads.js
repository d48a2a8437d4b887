// The links to a run's files, the result's own format first.
import { create } from "./dom.js";

const FIRST = ["wav", "mp4", "ply"]; // before the picture that stands for it

function labelOf(file, endings, i) {
  if (endings[i] === "safetensors") return file.name;
  const several = endings.filter((ending) => ending === endings[0]).length > 1;
  if (several) return new Set(endings).size > 1 ? file.name : `${endings[i].toUpperCase()} ${i + 1}`;
  return i ? endings[i].toUpperCase() : `Download ${endings[i].toUpperCase()}`;
}

const endingOf = (file) => file.name.split(".").pop();

export function listFiles(stage) {
  const ranks = (file) => (FIRST.includes(endingOf(file)) ? 0 : 1);
  const files = [...stage.files].sort((a, b) => ranks(a) - ranks(b));
  const links = files.map((file, i) => {
    const link = create("<a></a>");
    link.href = file.url;
    link.download = file.name;
    link.textContent = labelOf(file, files.map(endingOf), i);
    return link;
  });
  stage.$("downloads").replaceChildren(...links);
}
