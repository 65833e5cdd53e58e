// The tickets of an incident: a chip each in its row, the whole story in its pane.

import { awaitedPlatforms, findAction, forwardTargets } from "./actions.js";
import { el, externalLink, time } from "./dom.js";
import { safeUrl } from "./links.js";
import { section } from "./section.js";
import { reasonInWords, undeliveredOf } from "./undelivered.js";

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

// `onAction` hears of an action on a platform: forward or retry.
export function ticketsSection(incident, settings, onAction) {
  const failed = new Map(undeliveredOf(incident).map((one) => [one.platform, one]));
  // Whoever may comment may ask for another try.
  const mayRetry = Boolean(findAction(incident, "comment"));
  const failureOf = (platform) => failed.has(platform) && failure(failed.get(platform), again);
  const again = (platform) => mayRetry && retryButton(platform, settings, onAction);
  const rows = [
    ...incident.tickets.map((ticket) => ticketRow(ticket, settings, failureOf(ticket.platform))),
    ...awaitedPlatforms(incident).map((name) =>
      awaitedRow(incident, settings.titleOf(name), failureOf(name)),
    ),
  ];
  return section(
    "Tickets",
    rows.length ? el("ul", { class: "tickets" }, ...rows) : noTicket(incident),
    forwardButtons(incident, settings, (name) => onAction("forward", name)),
  );
}

// Why a ticket did not get through, and the way to another try.
const failure = ({ platform, reason }, again) => ({
  words: el("span", { class: "undelivered" }, `did not get through: ${reasonInWords(reason)}`),
  button: again(platform),
});

// `failed` is set for a ticket that did not get through.
function ticketRow(ticket, settings, failed) {
  const url = safeUrl(ticket.url);
  const label = ticket.key || ticket.externalId;
  return el(
    "li",
    {},
    dot(ticket.state),
    el("b", {}, settings.titleOf(ticket.platform)),
    url ? externalLink(url, {}, label || "ticket") : label && el("span", {}, label),
    failed ? failed.words : el("span", { class: "faint" }, ticket.state),
    ticket.onCall && el("span", { class: "faint" }, `on call ${ticket.onCall}`),
    el("span", { class: "at" }, time(ticket.updatedAt)),
    ticket.error && el("p", { class: "faint" }, ticket.error),
    failed?.button,
  );
}

function retryButton(platform, settings, onAction) {
  const onclick = () => onAction("retry", platform);
  const properties = { type: "button", class: "small", "data-keep": `retry-${platform}`, onclick };
  return el("button", properties, `Try ${settings.titleOf(platform)} again`);
}

function awaitedRow(incident, title, failed) {
  const when = el("span", { class: "faint" }, incident.noTicket ?? "on its way");
  const words = failed ? failed.words : when;
  return el("li", {}, dot("pending"), el("b", {}, title), words, failed?.button);
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
