// The list: one row an incident, drawn again only where something changed.

import { sparkline } from "./charts.js";
import { el, time } from "./dom.js";
import { capital, shortCount } from "./format.js";
import { hashOf } from "./links.js";
import { remarkNodes } from "./standing.js";
import { statusPill } from "./status.js";
import { ticketChip } from "./tickets.js";

export class List {
  constructor(node) {
    this.node = node;
    this.rows = new Map();
  }

  // Bring the rows in line with `incidents`, which are in their order. `announceNew` lights up rows
  // that appear.
  show(incidents, { selected, commands, settings, announceNew }) {
    this.removeAllBut(new Set(incidents.map((incident) => incident.id)));
    let place = this.node.firstElementChild;
    for (const incident of incidents) {
      const { node } = this.row(incident, commands.pendingOf(incident.id), settings, announceNew);
      if (node === place) place = place.nextElementSibling;
      else this.node.insertBefore(node, place);
      select(node, incident.id === selected);
    }
  }

  removeAllBut(wanted) {
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.node.remove();
      this.rows.delete(id);
    }
  }

  row(incident, pending, settings, announceNew) {
    const version = `${incident.revision}/${pending?.status ?? ""}`;
    const known = this.rows.get(incident.id);
    if (known?.version === version && known.settings === settings) return known;
    const node = known?.node ?? el("li", { class: "row" });
    const hadFocus = node.contains(document.activeElement);
    node.dataset.severity = incident.severity;
    node.dataset.status = pending?.status ?? incident.status;
    node.replaceChildren(...cells(incident, pending, settings));
    if (hadFocus) focusTitle(node);
    if (!known && announceNew) node.classList.add("fresh");
    const row = { node, version, settings };
    this.rows.set(incident.id, row);
    return row;
  }

  focus(id) {
    const row = this.rows.get(id);
    if (!row) return;
    focusTitle(row.node);
    row.node.scrollIntoView({ block: "nearest" });
  }

  // The incident whose row has the focus; null where none has.
  focusedId() {
    const focused = document.activeElement?.closest?.(".row");
    for (const [id, row] of this.rows) if (row.node === focused) return id;
    return null;
  }
}

function focusTitle(node) {
  node.querySelector(".title").focus({ preventScroll: true });
}

function select(node, selected) {
  const link = node.querySelector(".title");
  if (selected) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  node.classList.toggle("selected", selected);
}

function cells(incident, pending, settings) {
  return [
    el("span", { class: "severity" }, capital(incident.severity)),
    title(incident, settings),
    statusPill(pending?.status ?? incident.status, Boolean(pending)),
    volume(incident, settings),
    el(
      "div",
      { class: "when" },
      el("span", {}, time(incident.lastSeen)),
      el("span", { class: "faint" }, "since ", time(incident.firstSeen)),
    ),
  ];
}

function title(incident, settings) {
  const { environment, service, alertServices = [] } = incident;
  const others = alertServices.filter((name) => name !== service);
  return el(
    "div",
    { class: "what" },
    el("a", { class: "title", href: hashOf(incident.id) }, incident.title || incident.id),
    el(
      "div",
      { class: "under" },
      el("span", { class: "service" }, service),
      others.length > 0 && el("span", { class: "faint", title: others.join(", ") }, more(others)),
      environment && el("span", { class: "faint" }, environment),
      ...remarkNodes(incident),
      ...incident.tickets.map((ticket) => ticketChip(ticket, settings)),
    ),
  );
}

const more = (services) => `and ${services.length} more`;

function volume(incident, { windowSeconds }) {
  const unit = el("span", { class: "unseen" }, " anomalies");
  return el(
    "div",
    { class: "volume" },
    sparkline(incident.windows, windowSeconds),
    el("span", { class: "count" }, shortCount(incident.count), unit),
  );
}
