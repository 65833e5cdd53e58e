// The status of an incident as a pill.

import { el } from "./dom.js";
import { capital } from "./format.js";

export function statusPill(status, pending = false) {
  const properties = { class: "pill", "data-status": status, "data-pending": pending && "yes" };
  const sending = pending && el("span", { class: "unseen" }, ", being sent");
  return el("span", properties, capital(status), sending);
}
