// Makes elements. Every text goes in as a text node: log lines are hostile.

const SVG = "http://www.w3.org/2000/svg";
const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export const PLATFORM_NAMES = {
  pagerduty: "PagerDuty",
  jira: "Jira",
  servicenow: "ServiceNow",
  opsgenie: "OpsGenie",
  slack: "Slack",
  zammad: "Zammad",
};

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value === "boolean") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const count = (value) => number.format(value);
export const shortCount = (value) => (value < 10000 ? number.format(value) : compact.format(value));
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");

export function ago(iso, now = Date.now()) {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds < 0) return seconds > -60 ? "now" : full.format(new Date(iso));
  if (seconds < 5) return "now";
  if (seconds < 60) return `${seconds}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ago`;
  return `${Math.floor(seconds / 86400)}d ago`;
}

// A moment that ages: `refreshTimes` keeps its text true.
export function time(iso) {
  if (!iso) return null;
  const node = el("time", { datetime: iso, title: full.format(new Date(iso)) });
  node.textContent = ago(iso);
  return node;
}

export function refreshTimes() {
  const now = Date.now();
  for (const node of document.querySelectorAll("time[datetime]")) {
    const text = ago(node.getAttribute("datetime"), now);
    if (node.textContent !== text) node.textContent = text;
  }
}

// Only what leads to a web page may become a link: anything else could be a script.
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

export function ticketChip(ticket) {
  const name = PLATFORM_NAMES[ticket.platform] || ticket.platform;
  const label = ticket.key ? `${name} ${ticket.key}` : name;
  const title = `${label}: ${ticket.state}${ticket.error ? `, ${ticket.error}` : ""}`;
  const url = safeUrl(ticket.url);
  const inner = [el("span", { class: "dot", "data-state": ticket.state }), el("span", {}, label), el("span", { class: "unseen" }, `, ${ticket.state}`)];
  if (!url) return el("span", { class: "chip", title }, ...inner);
  return el("a", { class: "chip", title, href: url, target: "_blank", rel: "noopener noreferrer" }, ...inner);
}

// Slots of equal length from the first window to the last, empty ones included.
export function slots(windows, seconds, most, until) {
  if (!windows.length) return [];
  const length = seconds * 1000;
  const known = new Map(windows.map((one) => [Date.parse(one.start), one.count]));
  const starts = [...known.keys()];
  const last = Math.max(...starts, until ? Math.floor(until / length) * length : 0);
  const first = Math.max(Math.min(...starts), last - (most - 1) * length);
  const found = [];
  for (let at = first; at <= last && found.length < most; at += length) found.push({ at, count: known.get(at) || 0 });
  return found;
}

export function sparkline(windows, seconds) {
  const SLOTS = 16;
  const found = slots(windows, seconds, SLOTS, 0);
  const picture = svg("svg", { class: "spark", viewBox: "0 0 80 22", width: 80, height: 22, "aria-hidden": "true" });
  const most = Math.max(1, ...found.map((slot) => slot.count));
  const from = SLOTS - found.length;
  for (let index = 0; index < SLOTS; index += 1) {
    const value = index >= from ? found[index - from].count : 0;
    const height = value ? Math.max(3, (value / most) * 21) : 1;
    picture.append(svg("rect", { x: index * 5, y: 22 - height, width: 4, height, rx: 1, class: value ? "bar" : "bar none" }));
  }
  return picture;
}

export function barChart(windows, seconds) {
  const WIDTH = 640;
  const HEIGHT = 132;
  const BASE = 108;
  const found = slots(windows, seconds, 96, 0);
  if (!found.length) return el("p", { class: "faint" }, "No counts yet.");
  const most = Math.max(1, ...found.map((slot) => slot.count));
  const step = Math.min(WIDTH / found.length, 40);
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const minutes = seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${seconds} s`;
  picture.append(svg("title", {}, `Anomalies in windows of ${minutes}; at most ${count(most)} in one`));
  picture.append(svg("line", { x1: 0, x2: WIDTH, y1: BASE + 0.5, y2: BASE + 0.5, class: "axis" }));
  picture.append(svg("line", { x1: 0, x2: WIDTH, y1: 14.5, y2: 14.5, class: "grid" }));
  picture.append(svg("text", { x: WIDTH, y: 10, class: "label", "text-anchor": "end" }, `${count(most)} per ${minutes}`));
  found.forEach((slot, index) => {
    const height = slot.count ? Math.max(2, (slot.count / most) * (BASE - 15)) : 0;
    const bar = svg("rect", { x: index * step + step * 0.08, y: BASE - height, width: step * 0.84, height, rx: Math.min(3, step / 5), class: "bar" });
    bar.append(svg("title", {}, `${day.format(slot.at)}: ${count(slot.count)}`));
    picture.append(bar);
  });
  const labels = Math.min(found.length, Math.max(2, Math.floor((found.length * step) / 110)));
  const format = found.at(-1).at - found[0].at > 86400000 ? day : clock;
  for (let label = 0; label < labels; label += 1) {
    const index = labels === 1 ? 0 : Math.round((label * (found.length - 1)) / (labels - 1));
    const anchor = label === 0 ? "start" : label === labels - 1 && found.length * step > WIDTH - 20 ? "end" : "middle";
    const x = label === 0 ? 0 : anchor === "end" ? WIDTH : index * step + step / 2;
    picture.append(svg("text", { x, y: HEIGHT - 8, class: "label", "text-anchor": anchor }, format.format(found[index].at)));
    if (found.length === 1) break;
  }
  return picture;
}
