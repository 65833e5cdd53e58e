// The tickets of an incident: a chip each in its row, the whole story in its pane.

import { awaitedPlatforms, findAction, forwardTargets } from "./actions.js";
import { el, externalLink, time } from "./dom.js";
import { safeUrl } from "./links.js";
import { section } from "./section.js";

const dot = (state) => el("span", { class: "dot", "data-state": state });

export function ticketChip(ticket, settings) {
  const name = settings.titleOf(ticket.platform);
  const label = ticket.key ? `${name} ${ticket.key}` : name;
  const title = `${label}: ${ticket.state}${ticket.error ? `, ${ticket.error}` : ""}`;
  const properties = { class: "chip", title };
  const inner = [
    dot(ticket.state),
    el("span", {}, label),
    el("span", { class: "unseen" }, `, ${ticket.state}`),
  ];
  const url = safeUrl(ticket.url);
  return url ? externalLink(url, properties, ...inner) : el("span", properties, ...inner);
}

// True for a ticket that people have before them.
export const isThrough = ({ state }) => state !== "rejected" && state !== "pending";

// The tickets that did not get through; a platform that gave no sign in time has none at all.
export function undelivered({ tickets, failures = [] }) {
  const known = new Set(tickets.map(({ platform }) => platform));
  const silent = failures.filter(({ platform }) => !known.has(platform));
  return [
    ...tickets.filter(({ state, error }) => state === "rejected" || (state === "pending" && error)),
    ...silent.map(({ platform, text }) => ({ platform, state: "pending", error: text })),
  ];
}

// `onAction` hears of an action on a platform: forward or retry.
export function ticketsSection(incident, settings, onAction) {
  const failed = new Set(undelivered(incident).map(({ platform }) => platform));
  // Whoever may comment may ask for another try.
  const onRetry = findAction(incident, "comment") && ((name) => onAction("retry", name));
  const rows = [
    ...incident.tickets.map((ticket) =>
      ticketRow(ticket, settings, failed.has(ticket.platform) && { onRetry }),
    ),
    ...awaitedPlatforms(incident).map((name) => awaitedRow(incident, settings.titleOf(name))),
  ];
  return section(
    "Tickets",
    rows.length ? el("ul", { class: "tickets" }, ...rows) : noTicket(incident),
    forwardButtons(incident, settings, (name) => onAction("forward", name)),
  );
}

// `failure` is set for a ticket that did not get through, with the way to another try.
function ticketRow(ticket, settings, failure) {
  const url = safeUrl(ticket.url);
  const label = ticket.key || ticket.externalId;
  return el(
    "li",
    {},
    dot(ticket.state),
    el("b", {}, settings.titleOf(ticket.platform)),
    url ? externalLink(url, {}, label || "ticket") : label && el("span", {}, label),
    failure
      ? el("span", { class: "undelivered" }, "did not get through")
      : el("span", { class: "faint" }, ticket.state),
    ticket.onCall && el("span", { class: "faint" }, `on call ${ticket.onCall}`),
    el("span", { class: "at" }, time(ticket.updatedAt)),
    ticket.error && el("p", { class: failure ? "undelivered" : "faint" }, ticket.error),
    failure?.onRetry && retryButton(ticket.platform, settings, failure.onRetry),
  );
}

function retryButton(platform, settings, onRetry) {
  const onclick = () => onRetry(platform);
  const properties = { type: "button", class: "small", "data-keep": `retry-${platform}`, onclick };
  return el("button", properties, `Try ${settings.titleOf(platform)} again`);
}

function awaitedRow(incident, title) {
  const when = incident.noTicket ?? "on its way";
  return el("li", {}, dot("pending"), el("b", {}, title), el("span", { class: "faint" }, when));
}

function noTicket(incident) {
  return el("p", { class: "faint" }, incident.noTicket ?? "No ticket yet.");
}

function forwardButtons(incident, settings, onForward) {
  const targets = forwardTargets(incident, settings.enabledPlatforms);
  if (!targets.length) return null;
  const buttons = targets.map((name) => {
    const onclick = () => onForward(name);
    const properties = { type: "button", class: "small", "data-keep": `forward-${name}`, onclick };
    return el("button", properties, `Forward to ${settings.titleOf(name)}`);
  });
  return el("div", { class: "actions" }, ...buttons);
}
