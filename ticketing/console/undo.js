// The bar that names what is about to happen, as long as it can be taken back.

import { byId } from "./dom.js";
import { capital, count } from "./format.js";

// What a held command does, in words; `title` is that of its incident.
export function heldInWords({ ids, name }, title) {
  const what = ids.length === 1 ? title : `${count(ids.length)} incidents`;
  return `${capital(name)}: ${what}`;
}

export function showUndo(text) {
  const bar = byId("undo");
  bar.hidden = text === null;
  bar.firstElementChild.textContent = text ?? "";
}

export const onUndo = (take) =>
  byId("undo").querySelector("button").addEventListener("click", take);
