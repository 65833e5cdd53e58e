// The dead letters: what could not be read or delivered, and can be tried again.

import { el, time } from "./dom.js";
import { table } from "./section.js";

// `onRedrive` takes the id of a letter. `redriven` are the ids that are on their way again.
export function deadLetterTable(letters, redriven, onRedrive) {
  if (!letters.length) return el("p", { class: "faint" }, "None.");
  const rows = letters.map((letter) => [
    time(letter.at),
    letter.platform ?? letter.stage,
    letter.reason,
    el("span", { class: "detail-text" }, letter.detail),
    redriven.has(letter.id) ? "on its way" : redriveButton(letter, onRedrive),
  ]);
  return table(["When", "Where", "Why", "What", "Again"], rows);
}

function redriveButton({ id, detail }, onRedrive) {
  const properties = {
    type: "button",
    class: "small",
    "aria-label": `Redrive: ${detail}`,
    "data-letter": id,
    onclick: () => onRedrive(id),
  };
  return el("button", properties, "Redrive");
}
