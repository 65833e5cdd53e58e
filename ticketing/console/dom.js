// Makes elements. Every text goes in as a text node: log lines are hostile.

import { ago, fullTime, harmless } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const isShown = (child) => child !== null && child !== undefined && child !== false;

export const byId = (id) => document.getElementById(id);

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (isShown(value)) setProperty(node, name, value);
  }
  node.append(...children.filter(isShown).map(shownAs));
  return node;
}

const shownAs = (child) => (child instanceof Node ? child : harmless(String(child)));

function setProperty(node, name, value) {
  if (name === "class") node.className = value;
  else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name in node && typeof value === "boolean") node[name] = value;
  else node.setAttribute(name, harmless(String(value)));
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A link to another site, which learns nothing about this page.
export function externalLink(url, properties, ...children) {
  const safe = { href: url, target: "_blank", rel: "noopener noreferrer" };
  return el("a", { ...properties, ...safe }, ...children);
}

// The age of a moment; `refreshTimes` keeps its text true.
export function time(iso) {
  if (!iso) return null;
  return el("time", { datetime: iso, title: fullTime(iso) }, ago(iso));
}

export function refreshTimes() {
  const now = Date.now();
  for (const node of document.querySelectorAll("time[datetime]")) {
    const text = ago(node.getAttribute("datetime"), now);
    if (node.textContent !== text) node.textContent = text;
  }
}
