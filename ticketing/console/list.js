// The list: one row an incident, drawn again only where something changed.

import { capital, el, shortCount, sparkline, ticketChip, time } from "./draw.js";

const STATUS_NAMES = { open: "Open", acknowledged: "Acknowledged", escalated: "Escalated", resolved: "Resolved" };

export const hashOf = (id) => `#/incidents/${id}`;

export function statusPill(status, pending = false) {
  return el("span", { class: "pill", "data-status": status, "data-pending": pending ? "yes" : null }, STATUS_NAMES[status] || status, pending ? el("span", { class: "unseen" }, ", being sent") : null);
}

export class List {
  constructor(node) {
    this.node = node;
    this.rows = new Map();
  }

  // Bring the rows in line with `incidents`, which are in their order.
  show(incidents, { selected, pending, windowSeconds, fresh }) {
    const wanted = new Set(incidents.map((incident) => incident.id));
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.node.remove();
      this.rows.delete(id);
    }
    let place = this.node.firstElementChild;
    for (const incident of incidents) {
      const row = this.row(incident, pending.get(incident.id), windowSeconds, fresh);
      if (row.node === place) place = place.nextElementSibling;
      else this.node.insertBefore(row.node, place);
      const link = row.node.querySelector(".title");
      if (incident.id === selected) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      row.node.classList.toggle("selected", incident.id === selected);
    }
  }

  row(incident, pending, windowSeconds, fresh) {
    const version = `${incident.revision}/${pending ? pending.status : ""}/${windowSeconds}`;
    const known = this.rows.get(incident.id);
    if (known && known.version === version) return known;
    const node = known ? known.node : el("li", { class: "row" });
    const hadFocus = node.contains(document.activeElement);
    node.dataset.severity = incident.severity;
    node.dataset.status = pending ? pending.status : incident.status;
    node.replaceChildren(...cells(incident, pending, windowSeconds));
    if (hadFocus) node.querySelector(".title").focus({ preventScroll: true });
    if (!known && fresh) node.classList.add("fresh");
    const row = { node, version };
    this.rows.set(incident.id, row);
    return row;
  }

  focus(id) {
    const row = this.rows.get(id);
    if (!row) return;
    row.node.querySelector(".title").focus({ preventScroll: true });
    row.node.scrollIntoView({ block: "nearest" });
  }
}

function cells(incident, pending, windowSeconds) {
  const status = pending ? pending.status : incident.status;
  return [
    el("span", { class: "severity" }, capital(incident.severity)),
    el(
      "div",
      { class: "what" },
      el("a", { class: "title", href: hashOf(incident.id) }, incident.title || incident.id),
      el(
        "div",
        { class: "under" },
        el("span", { class: "service" }, incident.service),
        incident.environment ? el("span", { class: "faint" }, incident.environment) : null,
        incident.flapping ? el("span", { class: "note" }, "flapping") : null,
        incident.heldBy ? el("span", { class: "note" }, "held") : null,
        incident.kind !== "pattern" ? el("span", { class: "note" }, incident.kind) : null,
        ...incident.tickets.map(ticketChip),
      ),
    ),
    statusPill(status, Boolean(pending)),
    el("div", { class: "volume" }, sparkline(incident.windows, windowSeconds), el("span", { class: "count" }, shortCount(incident.count), el("span", { class: "unseen" }, " anomalies"))),
    el("div", { class: "when" }, el("span", {}, time(incident.lastSeen)), el("span", { class: "faint" }, "since ", time(incident.firstSeen))),
  ];
}
