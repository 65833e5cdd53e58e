// Sections of an incident's pane that traces give: why this cause, and requests line by line.

import { el, time } from "./dom.js";
import { count, percent } from "./format.js";
import { hashOf } from "./links.js";
import { withMoments } from "./moments.js";
import { folded, list, section } from "./section.js";
import { waterfall } from "./waterfall.js";

const RELATIONS = {
  cause: "its cause",
  symptom: "its symptom",
  same_cause: "the same cause",
  related: "the same requests",
};
const CANDIDATES_MAX = 3; // More than three suspects help nobody.
const INDENT_MAX = 12; // Deeper calls would leave no room for the service's name.

// Why the cause is thought to be one: by the verdict over all requests, and by the incident's own.
export function why({ cause, trace }) {
  const candidates = (trace.correlation?.candidates ?? []).slice(0, CANDIDATES_MAX);
  if (!cause && !candidates.length) return [];
  const named = cause?.service ?? candidates[0].service;
  return [
    section(
      `Why ${named}`,
      cause && verdict(cause),
      candidates.length > 0 && el("p", { class: "faint" }, "By the incident's own requests:"),
      list("steps", candidates.map(candidate)),
    ),
  ];
}

function verdict({ service, strength, at, reasons }) {
  const nats = el("span", { class: "faint" }, ` ${strength.toFixed(1)} nats of evidence, as of `);
  const rows = reasons.map((text) => el("li", {}, ...withMoments(text)));
  return el("div", {}, el("p", {}, el("b", {}, service), nats, time(at)), list("reasons", rows));
}

function candidate({ service, share, reasons }) {
  const weight = el("span", { class: "faint" }, ` ${percent(share)} of the evidence`);
  return el("li", {}, el("b", {}, service), weight, ...reasons.map((text) => el("p", {}, text)));
}

// Incidents that share its requests.
export function linkedIncidents({ links }) {
  const linked = links.filter((link) => link.id);
  if (!linked.length) return [];
  return [section("Linked incidents", el("ul", {}, ...linked.map(linkedIncident)))];
}

function linkedIncident({ id, service, title, relation }) {
  const link = el("a", { href: hashOf(id) }, `${service}: ${title || id}`);
  return el("li", {}, link, el("span", { class: "faint" }, ` ${RELATIONS[relation] ?? relation}`));
}

export function requests(incident) {
  const samples = incident.trace.correlation?.samples ?? [];
  if (!samples.length) return [];
  const [first, ...others] = samples;
  return [section("Requests", ...shownRequest(first), ...others.map(request))];
}

// The most telling request, as far as it is a picture; its lines are folded away.
function shownRequest(sample) {
  return [el("p", { class: "faint" }, nameOf(sample)), waterfall(sample), lines(sample, 0)];
}

const nameOf = ({ traceId, why, milliseconds, spans, method }) =>
  `${traceId} (${why}; ${milliseconds.toFixed(0)} ms, ${count(spans)} spans, tree by ${method})`;

function request(sample, index) {
  return folded(`request-${index + 1}`, nameOf(sample), waterfall(sample), ...lineRows(sample));
}

const lines = (sample, index) => folded(`lines-${index}`, "Its log lines", ...lineRows(sample));

function lineRows({ timeline, omitted }) {
  return [
    list("evidence", timeline.map(requestLine)),
    omitted > 0 && el("p", { class: "faint" }, `${count(omitted)} more lines.`),
  ];
}

function requestLine({ at, depth, service, level, message }) {
  const indent = "· ".repeat(Math.min(depth, INDENT_MAX));
  return el(
    "li",
    {},
    el(
      "div",
      { class: "faint" },
      time(at),
      el("span", {}, `${indent}${service}`),
      el("span", {}, level),
    ),
    el("pre", { tabindex: "0" }, message),
  );
}
