// The console: keeps the list and the open incident in step with the API, and sends commands.

import * as api from "./api.js";
import { Detail, ACTIONS } from "./detail.js";
import { count, el, PLATFORM_NAMES, refreshTimes, shortCount } from "./draw.js";
import { Filters } from "./filters.js";
import { hashOf, List } from "./list.js";

const PAGE = 100;
const TOTALS_MS = 2000;
const TIMES_MS = 5000;
const DETAIL_MS = 150;
const by = (id) => document.getElementById(id);

const state = {
  incidents: new Map(),
  next: null,
  loaded: false,
  selected: null,
  shown: null, // the whole document of the selected incident
  pending: new Map(), // id to {status, revision}: what was asked and is not seen yet
  errors: new Map(),
  windowSeconds: 900,
  platforms: [],
  fresh: false,
};
let loading = null;
let drawing = 0;
let refreshing = 0;

const filters = new Filters(() => load());
const list = new List(by("list"));
const detail = new Detail(by("detail"), {
  onAction: (id, action) => act(id, action, {}),
  onComment: (id, text) => act(id, "comment", { text }),
  onForward: (id, platform) => act(id, "forward", { platform }),
  onClose: () => choose(null),
});

// Reading

async function load({ more = false } = {}) {
  loading?.abort();
  const mine = (loading = new AbortController());
  try {
    const cursor = more ? state.next : null;
    const found = await api.page(filters.query(PAGE, cursor), mine.signal);
    if (!more) {
      state.incidents.clear();
      state.fresh = false;
    }
    for (const incident of found.incidents) keep(incident);
    state.next = found.next;
    state.loaded = true;
    say(null);
  } catch (error) {
    if (error.name === "AbortError") return;
    failed(error);
  }
  draw();
}

function keep(incident) {
  const known = state.incidents.get(incident.id);
  if (!known || known.revision <= incident.revision) state.incidents.set(incident.id, incident);
  settle(incident);
}

// A wish is done with once the incident has moved on from where it was asked.
function settle(incident) {
  const wish = state.pending.get(incident.id);
  if (wish?.answered && incident.revision > wish.revision) state.pending.delete(incident.id);
}

function changed({ incidents, removed }) {
  const ordered = inOrder();
  const last = ordered.at(-1);
  let opened = 0;
  for (const incident of incidents) {
    const known = state.incidents.has(incident.id);
    // What is older than the last row comes with its own page.
    const beyond = !known && state.next && last && compare(incident, last) > 0;
    settle(incident);
    if (!filters.matches(incident)) state.incidents.delete(incident.id);
    else if (!beyond) {
      if (!known) opened += 1;
      keep(incident);
    }
    if (incident.id === state.selected) refreshDetail();
  }
  for (const id of removed) {
    state.incidents.delete(id);
    if (id === state.selected) refreshDetail();
  }
  if (opened) by("announce").textContent = opened === 1 ? "One more incident" : `${opened} more incidents`;
  state.fresh = true;
  draw();
}

function refreshDetail() {
  clearTimeout(refreshing);
  refreshing = setTimeout(readDetail, DETAIL_MS);
}

async function readDetail() {
  const id = state.selected;
  if (!id) return;
  try {
    const found = await api.get(`api/incidents/${encodeURIComponent(id)}`);
    if (state.selected !== id) return;
    settle(found);
    state.shown = found;
    drawDetail();
  } catch (error) {
    if (state.selected !== id) return;
    if (error.status === 404) detail.missing(id, "There is no such incident, or it is past its retention.");
    else failed(error);
  }
}

async function readTotals() {
  if (document.hidden) return;
  try {
    const totals = await api.get("api/v1/totals");
    filters.showCounts(totals, shortCount);
    drawTotals(totals);
  } catch (error) {
    if (error.status === 401) signIn();
  }
}

async function readConfig() {
  try {
    const config = await api.get("api/v1/config");
    state.windowSeconds = Number(config.anomaly?.lookbackWindow) || state.windowSeconds;
    state.platforms = Object.keys(PLATFORM_NAMES).filter((name) => config[name]?.enabled);
    draw();
    if (state.shown) drawDetail();
  } catch (error) {
    if (error.status === 401) signIn();
  }
}

// Drawing

const compare = (left, right) => (left.createdAt === right.createdAt ? (left.id < right.id ? 1 : -1) : left.createdAt < right.createdAt ? 1 : -1);
const inOrder = () => [...state.incidents.values()].sort(compare);

function draw() {
  if (drawing) return;
  drawing = requestAnimationFrame(() => {
    drawing = 0;
    const incidents = inOrder();
    list.show(incidents, state);
    by("more").hidden = !state.next;
    const empty = by("empty");
    empty.hidden = !state.loaded || incidents.length > 0;
    empty.firstElementChild.textContent = filters.narrowed() || filters.status !== "active" ? "No incident matches." : "All quiet: no active incident.";
    by("services").replaceChildren(...[...new Set(incidents.map((incident) => incident.service))].sort().map((name) => el("option", { value: name })));
    const critical = incidents.filter((incident) => incident.severity === "critical" && incident.status !== "resolved").length;
    document.title = critical ? `(${critical}) Incidents` : "Incidents";
  });
}

function drawDetail() {
  const shown = state.shown;
  if (!shown || shown.id !== state.selected) return;
  const { windowSeconds, platforms } = state;
  detail.show(shown, { pending: state.pending.get(shown.id), error: state.errors.get(shown.id), windowSeconds, platforms });
}

function drawTotals(totals) {
  const flying = totals.records - totals.belowThreshold - totals.counted - totals.deadLetters;
  const parts = [
    ["Records", totals.records],
    ["Below", totals.belowThreshold],
    ["Counted", totals.counted],
    ["Dead letters", totals.deadLetters],
  ];
  const check = flying === 0 ? el("span", { class: "sum good", title: "Records = below + counted + dead letters" }, "✓ adds up") : el("span", { class: "sum", title: "Read and not counted yet" }, `${count(flying)} under way`);
  by("totals").replaceChildren(...parts.map(([name, value]) => el("div", { class: name === "Dead letters" && value ? "bad" : "" }, el("dt", {}, name), el("dd", { title: count(value) }, shortCount(value)))), el("div", {}, el("dt", { class: "unseen" }, "Balance"), el("dd", {}, check)));
}

function say(text) {
  by("banner").hidden = !text;
  by("banner").textContent = text || "";
}

function failed(error) {
  if (error.status === 401) signIn();
  else say(`${error.message}${state.loaded ? " What you see may be old." : ""}`);
}

// Asking

function act(id, action, body, key = api.newKey()) {
  const known = state.shown?.id === id ? state.shown : state.incidents.get(id);
  const status = ACTIONS[action]?.leadsTo || known.status;
  if (state.pending.has(id)) return;
  const wish = { status, revision: known.revision, answered: false };
  const who = by("who").value.trim() || "console";
  state.errors.delete(id);
  state.pending.set(id, wish);
  draw();
  drawDetail();
  api
    .command(id, action, { ...body, by: who }, key)
    .then(() => {
      wish.answered = true;
      by("announce").textContent = ACTIONS[action] ? `Incident ${status}` : "Done";
      if (action === "comment" && state.selected === id) detail.commented();
      if (!ACTIONS[action]) state.pending.delete(id);
      return state.selected === id ? readDetail() : null;
    })
    .catch((error) => {
      state.pending.delete(id);
      if (error.status === 401) signIn();
      const again = error.status === 0 || error.status >= 500 ? () => act(id, action, body, key) : null;
      state.errors.set(id, { message: error.message, again });
      if (state.selected !== id) say(error.message);
      readDetail();
    })
    .finally(() => {
      draw();
      drawDetail();
    });
}

// Choosing

function choose(id) {
  if (id) location.hash = hashOf(id);
  else history.pushState(null, "", location.pathname + location.search);
  follow();
}

function follow() {
  const found = /^#\/incidents\/([0-9a-f]+-\d+-\d+)$/.exec(location.hash);
  const id = found ? found[1] : null;
  if (id === state.selected) return;
  const before = state.selected;
  state.selected = id;
  state.shown = null;
  document.body.classList.toggle("opened", Boolean(id));
  if (id) {
    detail.loading(id);
    by("detail").scrollTop = 0;
    readDetail();
  } else {
    detail.close();
    list.focus(before);
  }
  draw();
}

function step(distance) {
  const ordered = inOrder();
  const at = ordered.findIndex((incident) => incident.id === (focusedId() || state.selected));
  const next = ordered[Math.min(Math.max(at + distance, 0), ordered.length - 1)];
  if (!next) return;
  list.focus(next.id);
  if (state.selected) choose(next.id);
}

function focusedId() {
  const href = document.activeElement?.closest?.(".row")?.querySelector(".title")?.getAttribute("href");
  return href ? href.split("/").at(-1) : null;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    if (typing) typing.blur();
    else if (state.selected) choose(null);
    return;
  }
  if (typing) return;
  const action = Object.keys(ACTIONS).find((name) => ACTIONS[name].key === event.key);
  const target = state.selected || focusedId();
  if (event.key === "j" || event.key === "ArrowDown") step(1);
  else if (event.key === "k" || event.key === "ArrowUp") step(-1);
  else if (event.key === "/") by("q").focus();
  else if (event.key === "?") by("keys").showModal();
  else if (event.key === "c" && state.selected) detail.focusComment();
  else if (action && target) {
    const known = state.shown?.id === target ? state.shown : state.incidents.get(target);
    if (known && ACTIONS[action].from.includes(known.status)) act(target, action, {});
  } else return;
  event.preventDefault();
}

// Signing in

function signIn() {
  const dialog = by("signin");
  if (dialog.open) return;
  by("signin-error").textContent = api.token.get() ? "That token was not accepted." : "";
  dialog.showModal();
}

by("signin").addEventListener("cancel", (event) => event.preventDefault());
by("signin-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  api.token.set(by("token").value.trim());
  try {
    await api.get("api/v1/totals");
  } catch (error) {
    by("signin-error").textContent = error.status === 401 ? "That token was not accepted." : error.message;
    if (error.status === 401) return;
  }
  by("token").value = "";
  by("signin").close();
  start();
});

function start() {
  readConfig();
  readTotals();
  load();
  if (state.selected) readDetail();
}

// Beginning

const LIVE = { connecting: "Connecting", live: "Live", waiting: "Reconnecting", locked: "Locked" };
api.listen({
  onEvent: (name, data) => {
    if (name === "incidents") changed(data);
    if (name === "reset") {
      load();
      if (state.selected) readDetail();
    }
  },
  onState: (now) => {
    by("live").dataset.state = now;
    by("live").textContent = LIVE[now];
    if (now === "locked") signIn();
  },
});
by("more").addEventListener("click", () => load({ more: true }));
by("help").addEventListener("click", () => by("keys").showModal());
by("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const chosen = dark ? "light" : "dark";
  document.documentElement.dataset.theme = chosen;
  try {
    localStorage.setItem("theme", chosen);
  } catch {
    // Storage is forbidden here: the choice lasts as long as the page.
  }
});
try {
  by("who").value = localStorage.getItem("who") || "";
  by("who").addEventListener("change", () => localStorage.setItem("who", by("who").value.trim()));
} catch {
  // Storage is forbidden here: the name lasts as long as the page.
}
addEventListener("hashchange", follow);
addEventListener("popstate", follow);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", readTotals);
setInterval(readTotals, TOTALS_MS);
setInterval(refreshTimes, TIMES_MS);
follow();
start();
