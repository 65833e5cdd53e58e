// The row of an incident: what is wrong, where it began, whom it reaches, and how old it is.

import { sparkline } from "./charts.js";
import { el, time } from "./dom.js";
import { capital, count, shortCount } from "./format.js";
import { hashOf } from "./links.js";
import { remarkNodes } from "./standing.js";
import { statusPill } from "./status.js";
import { ticketChip } from "./tickets.js";
import { failedPages, undeliveredOf } from "./undelivered.js";

// `context` has the settings, and of this incident `pending` and `choose`.
export function cells(incident, { pending, settings, chosen, isNew, choose }) {
  return [
    picker(incident, chosen.has(incident.id), choose),
    el("span", { class: "severity" }, capital(incident.severity)),
    title(incident, settings, isNew(incident)),
    statusPill(pending?.status ?? incident.status, Boolean(pending)),
    volume(incident, settings),
    el(
      "div",
      { class: "when" },
      el("span", {}, time(incident.createdAt)),
      el("span", { class: "faint" }, "last ", time(incident.lastSeen)),
    ),
  ];
}

function picker(incident, checked, choose) {
  const box = el("input", {
    type: "checkbox",
    checked,
    "data-part": "pick",
    "aria-label": `Choose ${incident.title || incident.id}`,
    onchange: () => choose(box.checked),
  });
  return el("label", { class: "pick" }, box);
}

function title(incident, settings, isNew) {
  const { environment, service, title: text, id } = incident;
  const failed = new Set(undeliveredOf(incident).map(({ platform }) => platform));
  const tickets = incident.tickets.filter(({ platform }) => !failed.has(platform));
  return el(
    "div",
    { class: "what" },
    el("a", { class: "title", href: hashOf(id), title: text, "data-part": "title" }, text || id),
    el(
      "div",
      { class: "under" },
      el("span", { class: "service", title: service }, service),
      ...failedPages(incident, settings),
      isNew && el("span", { class: "note new" }, "new"),
      ...originAndReach(incident).map(({ text: words, names }) =>
        el("span", { class: "faint", title: names }, words),
      ),
      environment && el("span", { class: "faint" }, environment),
      ...remarkNodes(incident),
      ...tickets.map((ticket) => ticketChip(ticket, settings)),
    ),
  );
}

// Where the fault began and how many services suffer, as `{text, names}`; what is obvious is left
// out.
export function originAndReach({ service, rootCause, affectedServices = [] }) {
  const elsewhere = rootCause && rootCause !== service;
  const reach = affectedServices.length;
  return [
    elsewhere && { text: `began in ${rootCause}`, names: null },
    reach > 1 && { text: `reaches ${count(reach)} services`, names: affectedServices.join(", ") },
  ].filter(Boolean);
}

function volume(incident, { windowSeconds }) {
  const unit = el("span", { class: "unseen" }, " anomalies");
  return el(
    "div",
    { class: "volume" },
    sparkline(incident.windows, windowSeconds),
    el("span", { class: "count" }, shortCount(incident.count), unit),
  );
}
