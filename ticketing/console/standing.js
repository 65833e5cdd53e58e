// The standing of an incident apart from its status, in remarks beside its title.

import { el } from "./dom.js";
import { capital, count } from "./format.js";
import { hashOf } from "./links.js";

const AN_INCIDENT = "fault"; // The usual kind, which needs no word.

// Why an incident waits for its ticket, in a word or two; the whole reason is `incident.noTicket`.
export function waitNote(incident) {
  if (incident.ticketed || incident.status === "resolved") return null;
  if (incident.waitingFor) return `waits for ${count(incident.waitingFor.occurrences)}`;
  if (incident.sporadic) return "sporadic: no more often than before";
  return incident.collectiveId ? "in a collective incident" : null;
}

export const isSnoozed = ({ snoozedUntil }, now = Date.now()) =>
  Boolean(snoozedUntil) && Date.parse(snoozedUntil) > now;

// What a resolution does not end, as a sentence; null where all alerts are quiet.
export function stillFiring({ alertsFiring = 0 }, status) {
  if (status !== "resolved" || !alertsFiring) return null;
  const alerts = alertsFiring === 1 ? "An alert still fires" : `${count(alertsFiring)} alerts fire`;
  return `${alerts}: the next record reopens it.`;
}

// Short remarks beside the title, as `{text}`, with the `id` of an incident to which one leads.
export function remarks(incident, now = Date.now()) {
  const { kind, flapping, mergedInto, previous, collectiveId, quietly, alertsTotal = 1 } = incident;
  const wait = waitNote(incident);
  return [
    kind && kind !== AN_INCIDENT && { text: capital(kind).toLowerCase() },
    alertsTotal > 1 && { text: `${count(alertsTotal)} alerts` },
    wait && { text: wait, id: collectiveId },
    flapping && { text: "flapping" },
    isSnoozed(incident, now) && { text: "snoozed" },
    quietly && { text: "without a page" },
    mergedInto && { text: "merged", id: mergedInto },
    previous && { text: "seen before", id: previous },
  ].filter(Boolean);
}

export const remarkNodes = (incident) =>
  remarks(incident).map(({ text, id }) =>
    id ? el("a", { class: "note", href: hashOf(id) }, text) : el("span", { class: "note" }, text),
  );
