// The links to a run's files, the tab's own format first.
import { create } from "./dom.js";

function labelOf(file, endings, i) {
  if (endings[i] === "safetensors") return file.name;
  const several = endings.filter((ending) => ending === endings[0]).length > 1;
  if (several) return new Set(endings).size > 1 ? file.name : `${endings[i].toUpperCase()} ${i + 1}`;
  return endings[i] === "png" ? "Download PNG" : endings[i].toUpperCase();
}

export function listFiles(stage) {
  const endings = stage.files.map((file) => file.name.split(".").pop());
  const links = stage.files.map((file, i) => {
    const link = create("<a></a>");
    link.href = file.url;
    link.download = file.name;
    link.textContent = labelOf(file, endings, i);
    return link;
  });
  stage.$("downloads").replaceChildren(...links);
}
