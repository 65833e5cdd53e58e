// The standing of an incident apart from its status, in remarks beside its title.

import { capital, count } from "./format.js";

const AN_INCIDENT = "fault"; // The usual kind, which needs no word.

// Why an incident waits for its ticket, in a word or two; the whole reason is `incident.noTicket`.
export function waitNote(incident) {
  if (incident.ticketed || incident.status === "resolved") return null;
  if (incident.waitingFor) return `waits for ${count(incident.waitingFor.occurrences)}`;
  return incident.collectiveId ? "in a collective incident" : null;
}

export const isSnoozed = ({ snoozedUntil }, now = Date.now()) =>
  Boolean(snoozedUntil) && Date.parse(snoozedUntil) > now;

// Short remarks beside the title.
export function notes(incident, now = Date.now()) {
  const { kind, flapping, mergedInto, quietly, alertsTotal = 1 } = incident;
  return [
    kind && kind !== AN_INCIDENT && capital(kind).toLowerCase(),
    alertsTotal > 1 && `${count(alertsTotal)} alerts`,
    waitNote(incident),
    flapping && "flapping",
    isSnoozed(incident, now) && "snoozed",
    quietly && "without a page",
    mergedInto && "merged",
  ].filter(Boolean);
}
