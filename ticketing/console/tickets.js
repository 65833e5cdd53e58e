// The tickets of an incident: a chip each in its row, the whole story in its pane.

import { awaitedPlatforms, forwardTargets } from "./actions.js";
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

export function ticketsSection(incident, settings, onForward) {
  const rows = [
    ...incident.tickets.map((ticket) => ticketRow(ticket, settings)),
    ...awaitedPlatforms(incident).map((name) => awaitedRow(incident, settings.titleOf(name))),
  ];
  return section(
    "Tickets",
    rows.length ? el("ul", { class: "tickets" }, ...rows) : noTicket(incident),
    forwardButtons(incident, settings, onForward),
  );
}

function ticketRow(ticket, settings) {
  const url = safeUrl(ticket.url);
  const label = ticket.key || ticket.externalId || "ticket";
  return el(
    "li",
    {},
    dot(ticket.state),
    el("b", {}, settings.titleOf(ticket.platform)),
    url ? externalLink(url, {}, label) : el("span", {}, label),
    el("span", { class: "faint" }, ticket.state),
    el("span", { class: "at" }, time(ticket.updatedAt)),
    ticket.error && el("p", { class: "error" }, ticket.error),
  );
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
    const onclick = () => onForward(incident.id, name);
    const properties = { type: "button", class: "small", "data-keep": `forward-${name}`, onclick };
    return el("button", properties, `Forward to ${settings.titleOf(name)}`);
  });
  return el("div", { class: "actions" }, ...buttons);
}
