// The page around the list and the pane: its title, banner, totals and announcements.

import { byId } from "./dom.js";
import { nearestSeverity } from "./filter.js";
import { totalsRows } from "./totals.js";

// Where somebody may act for others, the name is asked for.
const ASKED_FOR_A_NAME = new Set(["local", "shared"]);
const STREAM_STATES = { live: "Live", waiting: "Reconnecting", locked: "Locked" };

// A sentence above the list; none takes it away.
export function showBanner(text) {
  byId("banner").hidden = !text;
  byId("banner").textContent = text ?? "";
}

// For screen readers.
export function announce(text) {
  byId("announce").textContent = text;
}

export function showTotals(totals) {
  byId("totals").replaceChildren(...totalsRows(totals));
}

// The name and the role that the server knows.
export function showPrincipal({ name, role, kind }) {
  byId("principal").hidden = kind === "local";
  byId("principal").textContent = `${name}, ${role}`;
  byId("who-label").hidden = !ASKED_FOR_A_NAME.has(kind);
}

export function showStreamState(state) {
  byId("live").dataset.state = state;
  byId("live").textContent = STREAM_STATES[state];
}

// The list's end: a button for more, or a sentence in place of rows.
export function showEnd({ hasMore, isEmpty, isUnfiltered }) {
  byId("more").hidden = !hasMore;
  byId("empty").hidden = !isEmpty;
  const text = isUnfiltered ? "All quiet: no active incident." : "No incident matches.";
  byId("empty").firstElementChild.textContent = text;
}

// The tab's title counts what is critical and not resolved.
export function showTitle(incidents) {
  const critical = incidents.filter(
    ({ severity, status }) => nearestSeverity(severity) === "critical" && status !== "resolved",
  );
  document.title = critical.length ? `(${critical.length}) Incidents` : "Incidents";
}
