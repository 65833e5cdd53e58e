// Who calls whom in the incident's requests: where it began, and who suffers.

import { blastRadius } from "./blast-radius.js";
import { el, svg } from "./dom.js";
import { count } from "./format.js";
import { layered } from "./layers.js";
import { folded, section } from "./section.js";

const NODE = { width: 116, height: 38, gapX: 32, gapY: 12, edge: 2 };
const NAME_CHARS_MAX = 14;
const STANDINGS = { cause: "began here", hurt: "suffers", other: "called" };

export function serviceGraph(incident) {
  const radius = blastRadius(incident);
  if (!radius.edges.length) return [];
  const label = radius.sentence;
  return [
    section(
      "Blast radius",
      el("p", {}, label),
      el(
        "div",
        { class: "scrolling", tabindex: "0", role: "group", "aria-label": "Graph of the services" },
        picture(radius, label),
      ),
      folded("graph", "Who calls whom, as a table", table(radius)),
    ),
  ];
}

function picture({ nodes, edges }, label) {
  const places = layered(nodes, edges);
  const columns = 1 + Math.max(...places.map(({ layer }) => layer));
  const rows = 1 + Math.max(...places.map(({ row }) => row));
  const width = columns * (NODE.width + NODE.gapX) - NODE.gapX + 2 * NODE.edge;
  const height = rows * (NODE.height + NODE.gapY) - NODE.gapY + 2 * NODE.edge;
  const at = new Map(places.map((place) => [place.name, corner(place)]));
  return svg(
    "svg",
    { class: "graph", role: "img", width, height, viewBox: `0 0 ${width} ${height}` },
    svg("title", {}, label),
    arrowHead(),
    ...edges.map((edge) => arrow(edge, at)),
    ...nodes.map((node) => box(node, at.get(node.name))),
  );
}

const corner = ({ layer, row }) => ({
  x: NODE.edge + layer * (NODE.width + NODE.gapX),
  y: NODE.edge + row * (NODE.height + NODE.gapY),
});

function arrowHead() {
  const size = { markerWidth: 9, markerHeight: 9, refX: 9, refY: 4.5, orient: "auto" };
  const head = svg("path", { d: "M0 1 L9 4.5 L0 8 z" });
  const units = { markerUnits: "userSpaceOnUse" };
  return svg("defs", {}, svg("marker", { id: "arrow", ...size, ...units }, head));
}

function arrow({ caller, callee, requests, failed }, at) {
  const from = at.get(caller);
  const to = at.get(callee);
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x - 1, to.y + NODE.height / 2];
  const bend = NODE.gapX / 2;
  const d = `M${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  const label = `${caller} calls ${callee}: ${count(failed)} of ${count(requests)} fail`;
  const properties = { d, class: failed ? "edge failing" : "edge", "marker-end": "url(#arrow)" };
  return svg("path", properties, svg("title", {}, label));
}

function box({ name, standing }, { x, y }) {
  const size = { x, y, width: NODE.width, height: NODE.height, rx: 8 };
  const text = (dy, kind, words) => svg("text", { x: x + 10, y: y + dy, class: kind }, words);
  return svg(
    "g",
    { class: `node ${standing}` },
    svg("title", {}, `${name}: ${STANDINGS[standing]}`),
    svg("rect", size),
    text(16, "name", short(name)),
    text(30, "standing", STANDINGS[standing]),
  );
}

const short = (name) =>
  name.length > NAME_CHARS_MAX ? `${name.slice(0, NAME_CHARS_MAX - 1)}…` : name;

function table({ edges, standingOf }) {
  const heads = ["Service", "calls", "which", "Requests", "Failing"];
  const cells = ({ caller, callee, requests, failed }) => [
    el("th", { scope: "row" }, caller),
    el("td", {}, callee),
    el("td", {}, STANDINGS[standingOf(callee)]),
    el("td", {}, count(requests)),
    el("td", {}, count(failed)),
  ];
  return el(
    "table",
    { class: "calls" },
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...edges.map((edge) => el("tr", {}, ...cells(edge)))),
  );
}
