// The services of an incident's requests, with the part that each has in the fault.

import { count, percent } from "./format.js";

const NODES_MAX = 24; // More boxes than that are no picture any more.
const NAMES_MAX = 5; // More names than that are counted: the graph has them all.
const RANKS = { cause: 0, hurt: 1, other: 2 };

// The graph of an incident: `nodes` as `{name, standing}` ("cause", "hurt", "other"), `edges`
// between them, and a `sentence` that says the same.
export function blastRadius(incident) {
  const found = incident.trace.correlation;
  const all = (found?.edges ?? []).filter(({ caller, callee }) => caller && callee);
  const hurt = new Set(incident.affectedServices);
  const standingOf = (name) => {
    if (name === incident.rootCause) return "cause";
    return hurt.has(name) ? "hurt" : "other";
  };
  const names = [...new Set(all.flatMap(({ caller, callee }) => [caller, callee]))];
  const nodes = names
    .map((name) => ({ name, standing: standingOf(name) }))
    .sort((left, right) => RANKS[left.standing] - RANKS[right.standing])
    .slice(0, NODES_MAX);
  const kept = new Set(nodes.map(({ name }) => name));
  const edges = all.filter(({ caller, callee }) => kept.has(caller) && kept.has(callee));
  return { nodes, edges, standingOf, sentence: inWords(incident) };
}

function inWords({ rootCause, affectedServices, trace }) {
  const others = affectedServices.filter((name) => name !== rootCause);
  const verb = others.length === 1 ? "suffers" : "suffer";
  const shares = failingShares(trace.correlation?.blastRadius);
  return [
    rootCause ? `It began in ${rootCause}.` : "It is not known where it began.",
    others.length > 0 && `${named(others)} ${verb}.`,
    shares && `${shares}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

// Names in a sentence, the further ones as a number.
export function named(names) {
  const more = names.length - NAMES_MAX;
  const shown = names.slice(0, NAMES_MAX).join(", ");
  return more > 0 ? `${shown} and ${count(more)} more` : shown;
}

// The blast radius in requests; null where none was looked at.
export function failingShares(radius) {
  if (!radius?.requests) return null;
  const { failingShare, failingShareBefore, requests } = radius;
  const now = `${percent(failingShare)} of ${count(requests)} requests fail`;
  return `${now}, ${percent(failingShareBefore)} before`;
}
