// The strip under the header: whether what the page shows can be believed.

import { byId, el, time } from "./dom.js";
import { cellsOf } from "./health.js";
import { hashOf } from "./links.js";

export function showStrip(health) {
  const cells = cellsOf(health);
  const told = JSON.stringify(cells);
  if (byId("strip").dataset.told === told) return;
  byId("strip").dataset.told = told;
  byId("strip").replaceChildren(...cells.map(cellNode));
}

// The server does not say how it is: what was said is old.
export function hideStrip() {
  delete byId("strip").dataset.told;
  byId("strip").replaceChildren();
}

function cellNode({ label, text, state, at, id, title }) {
  if (state === "failed") {
    const properties = { class: "failed" };
    return id ? el("a", { ...properties, href: hashOf(id) }, text) : el("span", properties, text);
  }
  const value = el("b", {}, at ? time(at) : text);
  return el("span", { "data-state": state, title }, label, label && " ", value);
}
