// Sections of an incident's pane: summary, facts, evidence, identity. A section that may be missing
// is a list of none or one.

import { el, time } from "./dom.js";
import { count, fullTime } from "./format.js";
import { hashOf } from "./links.js";
import { withMoments } from "./moments.js";
import { facts, folded, list, section } from "./section.js";
import { isSnoozed } from "./standing.js";

// Facts of the server that the pane shows in another form: as ages, links, sections or pills.
const SHOWN_ELSEWHERE = new Set([
  "status",
  "where",
  "tenant",
  "since",
  "last_seen",
  "count",
  "counts",
  "alerts",
  "causal_chain",
  "blast_radius",
  "impact",
  "likely_cause",
  "linked",
  "pattern",
  "traces",
  "id",
]);

// The server's other facts as label and text; a new one appears without a change here.
export function otherFacts(incident) {
  const others = (incident.facts ?? []).filter(({ name }) => !SHOWN_ELSEWHERE.has(name));
  return others.map(({ label, text }) => [label, text]);
}

export function summary(found) {
  if (!found) return [];
  const labelled = (label, text) => text && el("p", {}, el("b", {}, `${label}: `), text);
  const source = found.generated
    ? `Written by AI (${found.generatedBy}) from log lines: check before you act.`
    : "Written by rules.";
  const steps = found.steps.map((step) => el("li", {}, step));
  return [
    section(
      "Summary",
      found.generated && el("p", {}, el("b", {}, found.title)),
      el("p", {}, ...withMoments(found.text)),
      labelled("Likely cause", found.rootCause),
      labelled("Impact", found.impact),
      list("steps", steps),
      el("p", { class: "faint" }, source),
    ),
  ];
}

export function incidentFacts(incident) {
  const { affectedServices, tickets, page, pagedAt } = incident;
  const onCall = tickets.map((ticket) => ticket.onCall).filter(Boolean);
  return facts([
    ["Opened", time(incident.createdAt)],
    ["First seen", time(incident.firstSeen)],
    ["Last seen", time(incident.lastSeen)],
    ["Acknowledged", time(incident.acknowledgedAt)],
    ["Escalated", time(incident.escalatedAt)],
    ["Escalated to", incident.escalatedTo.join(", ")],
    ["Resolved", time(incident.resolvedAt)],
    ["On call", onCall.join(", ")],
    ["Highest score", incident.anomalyScore.toFixed(3)],
    ["Affected services", affectedServices.length > 1 && affectedServices.join(", ")],
    ["Endpoints", incident.endpoints.join(", ")],
    ["Assigned to", (incident.assignees ?? []).join(", ")],
    ["Snoozed until", isSnoozed(incident) && fullTime(incident.snoozedUntil)],
    ["Paged", pagedAt && el("span", {}, page > 1 && `${count(page)} times, last `, time(pagedAt))],
    ["Listed in", incidentLink(incident.collectiveId)],
    ["Before it", incidentLink(incident.previous)],
    ["Split from", incidentLink(incident.splitFrom)],
    ["Merged into", incidentLink(incident.mergedInto)],
    ["Took the alerts of", incidentLinks(incident.merged)],
    ...otherFacts(incident),
  ]);
}

const incidentLink = (id) => id && el("a", { href: hashOf(id) }, id);

function incidentLinks(ids = []) {
  return ids.length > 0 && el("span", {}, ...ids.flatMap((id) => [incidentLink(id), " "]));
}

// The incidents that a collective one lists.
export function listedIncidents({ lists = [], listed }) {
  if (!lists.length) return [];
  const rows = lists.map(({ id, service, title, severity }) =>
    el(
      "li",
      {},
      el("a", { href: hashOf(id) }, `${service}: ${title || id}`),
      el("span", { class: "faint" }, ` ${severity}`),
    ),
  );
  const missing = listed - lists.length;
  const more = missing > 0 && el("p", { class: "faint" }, `${count(missing)} earlier ones.`);
  return [section("Lists", el("ul", {}, ...rows), more)];
}

export function evidence(incident) {
  if (!incident.evidence.length) return [];
  return [section("Log lines", list("evidence", incident.evidence.map(sampleRow)))];
}

function sampleRow(sample) {
  const { level, score, host, endpoint, topic, partition, offset } = sample;
  const notes = [level, score.toFixed(3), host, endpoint].filter(Boolean);
  return el(
    "li",
    {},
    el(
      "div",
      { class: "faint" },
      time(sample.at),
      ...notes.map((text) => el("span", {}, text)),
      el("span", { class: "at" }, `${topic}[${partition}] ${offset}`),
    ),
    el("pre", { tabindex: "0" }, sample.message),
  );
}

export function technical(incident) {
  const code = (text) => text && el("code", {}, text);
  const refused = incident.commands
    .filter((command) => !command.applied)
    .map((command) => el("li", {}, `Refused: ${command.reason} `, time(command.at)));
  const identity = facts(
    [
      ["Pattern", code(incident.pattern)],
      ["Fingerprint", code(incident.fingerprint)],
      ["Id", code(incident.id)],
      ["Configuration", code(incident.config)],
      ["Traces", code(incident.trace.ids.join(" "))],
    ],
    "facts wide",
  );
  const refusals = refused.length > 0 && el("ul", { class: "refused" }, ...refused);
  return folded("technical", "Identity and traces", identity, refusals);
}
