// The list: one row an incident. Only the rows in view stand in the page, however long the list is.

import { el } from "./dom.js";
import { capital, count } from "./format.js";
import { cells } from "./row.js";
import { itemsBetween, neighbour, placesOf } from "./virtual.js";

const AROUND = 6; // Rows drawn above and below those in view, so that scrolling shows no gap.
const END_ROWS = 30; // So near to the end the next page is asked for.

const keyOf = ({ incident, heading }) => incident?.id ?? `group ${heading.name}`;

export class List {
  // `node` is the list, `scroller` the element that scrolls it. `on` hears of `choose` (a row is
  // marked for an action on several) and `end` (the reader comes to the last rows).
  constructor(node, scroller, on) {
    this.node = node;
    this.scroller = scroller;
    this.on = on;
    this.rows = new Map();
    this.items = [];
    this.ids = [];
    this.places = [0];
    this.cursor = { id: null, place: 0 };
    scroller.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    new ResizeObserver(() => this.layout()).observe(scroller);
    node.addEventListener("focusin", () => this.mark(this.focusedId()));
  }

  // Show `items`: incidents and headings of groups. `context` is what rows depend on besides: the
  // `selected` id, `pendingOf`, `settings`, `chosen`, `isNew`; `announceNew` lights up rows that
  // appear.
  show(items, context) {
    const anchor = this.anchor();
    this.items = items;
    this.context = context;
    this.ids = items.filter(({ incident }) => incident).map(({ incident }) => incident.id);
    this.layout(anchor);
  }

  // Measure anew, which the style sheet decides by the width. What was at the top stays there.
  layout(anchor = this.anchor()) {
    const style = getComputedStyle(this.node);
    const height = (name) => Number.parseFloat(style.getPropertyValue(name)) || 1;
    const [row, heading] = [height("--row-height"), height("--group-height")];
    this.places = placesOf(this.items.map((item) => (item.incident ? row : heading)));
    this.node.style.height = `${this.places.at(-1)}px`;
    if (anchor) {
      const at = this.items.findIndex((item) => keyOf(item) === anchor.key);
      if (at >= 0) this.scroller.scrollTop = this.places[at] + anchor.offset;
    }
    this.draw();
  }

  // The item at the upper edge, and how far it is scrolled out; null at the very top, where what is
  // new shall be seen.
  anchor() {
    const top = this.top();
    if (top <= 0 || !this.items.length) return null;
    const [at] = itemsBetween(this.places, top, top);
    return { key: keyOf(this.items[at]), offset: this.scroller.scrollTop - this.places[at] };
  }

  // The height that is scrolled out above the first row.
  top() {
    return this.scroller.scrollTop - this.node.offsetTop;
  }

  drawSoon() {
    this.drawing ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.drawing);
    this.drawing = null;
    const lost = this.focusedId();
    const drawn = this.drawnItems();
    this.removeAllBut(new Set(drawn.map(({ item }) => keyOf(item))));
    let next = this.node.firstElementChild;
    for (const { item, at } of drawn) {
      const { node } = this.row(item);
      node.style.transform = `translateY(${this.places[at]}px)`;
      if (node === next) next = node.nextElementSibling;
      else this.node.insertBefore(node, next);
      if (item.incident) this.mend(node, item.incident.id);
    }
    // Whoever had the focus goes on from the row that has come to its place.
    if (lost && !this.rows.has(lost)) this.focus(this.next(lost, 1));
  }

  // The items to draw, each with its index: those in view, and the one with the focus.
  drawnItems() {
    const top = this.top();
    const [first, last] = itemsBetween(this.places, top, top + this.scroller.clientHeight);
    const from = Math.max(first - AROUND, 0);
    const to = Math.min(last + AROUND, this.items.length);
    if (to > this.items.length - END_ROWS) this.on.end();
    const drawn = this.items.slice(from, to).map((item, index) => ({ item, at: from + index }));
    const focused = this.focusedId();
    const at = focused ? this.items.findIndex((item) => item.incident?.id === focused) : -1;
    if (at >= 0 && at < from) drawn.unshift({ item: this.items[at], at });
    if (at >= to) drawn.push({ item: this.items[at], at });
    return drawn;
  }

  removeAllBut(wanted) {
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.node.remove();
      this.rows.delete(key);
    }
  }

  row(item) {
    return item.heading ? this.headingRow(item) : this.incidentRow(item.incident);
  }

  headingRow(item) {
    const key = keyOf(item);
    const { name, count: number, severity } = item.heading;
    const node = this.rows.get(key)?.node ?? el("li", { class: "group" });
    node.dataset.severity = severity;
    node.replaceChildren(
      el("h2", {}, name),
      el("span", { class: "faint" }, number === 1 ? "1 incident" : `${count(number)} incidents`),
      el("span", { class: "severity" }, capital(severity)),
    );
    this.rows.set(key, { node });
    return { node };
  }

  incidentRow(incident) {
    const { pendingOf, settings, chosen, isNew, announceNew } = this.context;
    const pending = pendingOf(incident.id);
    const marks = [pending?.status ?? "", chosen.has(incident.id), isNew(incident)];
    const version = `${incident.revision}/${marks.join("/")}`;
    const known = this.rows.get(incident.id);
    if (known?.version === version && known.settings === settings) return known;
    const node = known?.node ?? el("li", { class: "row" });
    const focus = node.contains(document.activeElement) && document.activeElement.dataset.part;
    node.dataset.severity = incident.severity;
    node.dataset.status = pending?.status ?? incident.status;
    const choose = (wanted) => this.on.choose(incident.id, wanted);
    node.replaceChildren(...cells(incident, { ...this.context, pending, choose }));
    if (focus) node.querySelector(`[data-part="${focus}"]`)?.focus({ preventScroll: true });
    if (!known && announceNew) node.classList.add("fresh");
    const row = { node, version, settings };
    this.rows.set(incident.id, row);
    return row;
  }

  // What changes without the incident: its place among all, and whether it is open.
  mend(node, id) {
    node.setAttribute("aria-setsize", this.ids.length);
    node.setAttribute("aria-posinset", this.ids.indexOf(id) + 1);
    const link = node.querySelector(".title");
    const selected = id === this.context.selected;
    if (selected) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    node.classList.toggle("selected", selected);
  }

  // Remember the row at which keys begin.
  mark(id) {
    if (id) this.cursor = { id, place: this.ids.indexOf(id) };
  }

  // The incident `distance` rows from one, or from the one that was marked last.
  next(id, distance) {
    const from = id ?? this.cursor.id;
    const place = from === this.cursor.id ? this.cursor.place : 0;
    return neighbour(this.ids, from, place, distance);
  }

  // Bring a row into view and mark it.
  reveal(id) {
    const at = this.items.findIndex((item) => item.incident?.id === id);
    if (at < 0) return;
    this.mark(id);
    const [top, bottom] = [this.places[at], this.places[at + 1]].map(
      (y) => y + this.node.offsetTop,
    );
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = at === 0 ? 0 : top;
    else if (bottom > scrollTop + clientHeight) this.scroller.scrollTop = bottom - clientHeight;
    this.draw();
  }

  focus(id) {
    if (!id) return;
    this.reveal(id);
    this.rows.get(id)?.node.querySelector(".title").focus({ preventScroll: true });
  }

  // The incident whose row has the focus; null where none has.
  focusedId() {
    const focused = document.activeElement?.closest?.(".row");
    if (!focused) return null;
    for (const [id, row] of this.rows) if (row.node === focused) return id;
    return null;
  }
}
