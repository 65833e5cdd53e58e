// The four facts that a woken person needs first: what broke, where it began, whom it hurts, and
// who was told.

import { failingShares, named } from "./blast-radius.js";
import { el, time } from "./dom.js";
import { count } from "./format.js";
import { isThrough } from "./tickets.js";
import { undeliveredOf } from "./undelivered.js";

export function brief(incident, settings) {
  return el(
    "dl",
    { class: "brief" },
    fact("What broke", whatBroke(incident)),
    fact("Where it began", whereItBegan(incident)),
    fact("Whom it hurts", whomItHurts(incident)),
    fact("Who was told", whoWasTold(incident, settings)),
  );
}

const fact = (name, children) =>
  el("div", {}, el("dt", {}, name), el("dd", {}, ...children.filter(Boolean)));

const number = (value, one, many) => `${count(value)} ${value === 1 ? one : many}`;

function whatBroke({ service, count: total, alertsTotal, firstSeen }) {
  const alerts = number(alertsTotal ?? 1, "alert", "alerts");
  const anomalies = number(total, "anomaly", "anomalies");
  return [el("b", {}, service), ` ${anomalies} in ${alerts}, since `, time(firstSeen)];
}

function whereItBegan({ rootCause, cause, trace, summary }) {
  if (!rootCause) return [summary?.rootCause || "Not known yet."];
  const [reason] = (cause ?? trace.correlation?.rootCause)?.reasons ?? [];
  return [el("b", {}, rootCause), reason && ` ${reason}`];
}

function whomItHurts(incident) {
  const others = incident.affectedServices.filter((name) => name !== incident.rootCause);
  const shares = failingShares(incident.trace.correlation?.blastRadius);
  return [el("b", {}, named(others) || "no other service"), shares && ` ${shares}`];
}

function whoWasTold(incident, settings) {
  const titles = (tickets) => tickets.map(({ platform }) => settings.titleOf(platform));
  const failed = titles(undeliveredOf(incident));
  const through = incident.tickets.filter(isThrough);
  const told = titles(through);
  const people = [...new Set(through.map(({ onCall }) => onCall).filter(Boolean))];
  const waits = !failed.length && !told.length;
  return [
    failed.length > 0 && el("b", { class: "undelivered" }, `Not told: ${failed.join(", ")}. `),
    told.length > 0 && el("b", {}, told.join(", ")),
    people.length > 0 && `, on call ${named(people)}`,
    told.length > 0 && incident.pagedAt && el("span", {}, ", ", time(incident.pagedAt)),
    waits && (incident.noTicket ?? "Nobody yet: the tickets are on their way."),
    taken(incident),
  ];
}

// Who has it in hand, by the timeline.
export function takenBy({ status, timeline }) {
  if (status !== "acknowledged") return null;
  return timeline.findLast(({ kind }) => kind === "acknowledged")?.by || "somebody";
}

function taken(incident) {
  const by = takenBy(incident);
  return by && el("span", {}, "; acknowledged by ", el("b", {}, by));
}
