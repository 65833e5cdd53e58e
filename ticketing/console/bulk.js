// The bar of actions on the chosen incidents.

import { commonActions } from "./chosen.js";
import { byId, el } from "./dom.js";
import { count } from "./format.js";

// `incidents` are those chosen, `listed` the number of all; `on` hears of `act`, `all`, `clear`.
export function showBulk(incidents, listed, on) {
  const bar = byId("bulk");
  bar.hidden = incidents.length === 0;
  if (bar.hidden) return;
  const small = (text, onclick) => el("button", { type: "button", class: "small", onclick }, text);
  const actions = commonActions(incidents).map(({ name, label, ids }) => {
    const all = ids.length === incidents.length;
    return small(all ? label : `${label} ${count(ids.length)}`, () => on.act(ids, name));
  });
  const focused = bar.contains(document.activeElement) ? document.activeElement.textContent : null;
  const parts = [
    el("b", {}, `${count(incidents.length)} chosen`),
    ...actions,
    listed > incidents.length && small("Choose all listed", on.all),
    small("Choose none", on.clear),
  ];
  bar.replaceChildren(...parts.filter(Boolean));
  const again = [...bar.querySelectorAll("button")].find((one) => one.textContent === focused);
  again?.focus();
}
