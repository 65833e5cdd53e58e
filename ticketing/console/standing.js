// The standing of an incident apart from its status: why it has no ticket of its own yet, and where
// its alerts went.

import { capital, count, fullTime } from "./format.js";

const AN_INCIDENT = "fault"; // The usual kind, which needs no word.

// Why an incident is without tickets now, as a sentence; null where it has or needs no reason.
export function whyNoTicket(incident) {
  const { ticketed, status, waitingFor, collectiveId, platforms, mergedInto } = incident;
  if (mergedInto) return "Merged: the incident that took its alerts has the tickets.";
  if (ticketed) return platforms.length ? null : "Routed to no platform.";
  if (status === "resolved") return "Resolved before it was due for a ticket.";
  if (waitingFor) {
    return `Waits for ${count(waitingFor.occurrences)} occurrences within one window.`;
  }
  if (collectiveId) {
    return "Above the ceiling of pages: a collective incident lists it until there is room.";
  }
  if (!platforms.length) return "Routed to no platform.";
  return `Waits for further anomalies until ${fullTime(incident.ticketAt)}.`;
}

// The same in a word or two, for the list.
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
