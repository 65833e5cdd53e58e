// Sections of an incident's pane that traces give: where it began, and requests line by line.

import { el, time } from "./dom.js";
import { count, percent } from "./format.js";
import { hashOf } from "./links.js";
import { folded, list, section } from "./section.js";

const RELATIONS = {
  cause: "its cause",
  symptom: "its symptom",
  same_cause: "the same cause",
  related: "the same requests",
};
const CANDIDATES_MAX = 3; // More than three suspects help nobody.
const INDENT_MAX = 12; // Deeper calls would leave no room for the service's name.

// The likely causes, the blast radius, and the incidents that share its requests.
export function origin(incident) {
  const found = incident.trace.correlation;
  const linked = incident.links.filter((link) => link.id);
  if (!found && !linked.length) return [];
  const causes = (found?.candidates ?? []).slice(0, CANDIDATES_MAX).map(cause);
  const radius = found?.blastRadius;
  return [
    section(
      "Where it began",
      list("steps", causes),
      radius && el("p", {}, blastRadius(radius)),
      linked.length > 0 && el("h4", {}, "Linked incidents"),
      linked.length > 0 && el("ul", {}, ...linked.map(linkedIncident)),
    ),
  ];
}

function cause({ service, share, reasons }) {
  const weight = el("span", { class: "faint" }, ` ${percent(share)} of the evidence`);
  return el("li", {}, el("b", {}, service), weight, ...reasons.map((text) => el("p", {}, text)));
}

export function blastRadius(radius) {
  const { services, endpoints, failingShare, failingShareBefore, requests: all } = radius;
  return (
    `${count(services)} services, ${count(endpoints)} endpoints; ` +
    `${percent(failingShare)} of ${count(all)} requests fail, ` +
    `${percent(failingShareBefore)} before.`
  );
}

function linkedIncident({ id, service, title, relation }) {
  const link = el("a", { href: hashOf(id) }, `${service}: ${title || id}`);
  return el("li", {}, link, el("span", { class: "faint" }, ` ${RELATIONS[relation] ?? relation}`));
}

export function requests(incident) {
  const samples = incident.trace.correlation?.samples ?? [];
  return samples.length ? [section("Requests", ...samples.map(request))] : [];
}

// The services that a request went through, a stay in one service once.
export function hops(path) {
  return path.map((hop) => hop.service).filter((service, at, all) => service !== all[at - 1]);
}

function request(sample, index) {
  const { traceId, why, milliseconds, spans, method, omitted } = sample;
  const size = `${milliseconds.toFixed(0)} ms, ${count(spans)} spans`;
  return folded(
    `request-${index}`,
    `${traceId} (${why}; ${size}, tree by ${method})`,
    el("p", {}, hops(sample.path).join(" → ")),
    list("evidence", sample.timeline.map(requestLine)),
    omitted > 0 && el("p", { class: "faint" }, `${count(omitted)} more lines.`),
  );
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
