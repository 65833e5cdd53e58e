// The console: brings the list, the open incident, commands and the API together.

import { actionForKey, allowActions } from "./actions.js";
import * as api from "./api.js";
import { Commands } from "./commands.js";
import { Detail } from "./detail.js";
import { byId, refreshTimes } from "./dom.js";
import { isDefault } from "./filter.js";
import { FilterBar } from "./filter-bar.js";
import { helpRows, requestOf } from "./keyboard.js";
import { hashOf, idInHash } from "./links.js";
import { List } from "./list.js";
import { LiveList } from "./live-list.js";
import * as page from "./page.js";
import { listenToPreferences, userName } from "./preferences.js";
import { Settings } from "./settings.js";
import { SignIn } from "./sign-in.js";
import { listen } from "./stream.js";

const TOTALS_MS = 2000;
const TIMES_MS = 5000;
const DETAIL_MS = 150; // Changes come in bursts: the pane is read once after one.

let settings = new Settings();
let selected = null;
let shown = null; // The whole document of the selected incident.
let drawing = 0;
let refreshing = 0;
let wasCutOff = false;

const signIn = new SignIn(start);
const filterBar = new FilterBar(() => liveList.load());
const list = new List(byId("list"));
const detail = new Detail(byId("detail"), {
  action: command,
  close: () => choose(null),
});
const liveList = new LiveList({
  getPage: api.getPage,
  filter: () => filterBar.filter,
  on: {
    change: draw,
    read: (incidents) => commands.settleAll(incidents),
    added: (number) =>
      page.announce(number === 1 ? "One more incident" : `${number} more incidents`),
    success: () => page.showBanner(null),
    problem: failed,
  },
});
const commands = new Commands({
  send: api.command,
  newestOf,
  on: { change: drawAll, done: commandDone, failed: commandFailed },
});

function newestOf(id) {
  return shown?.id === id ? shown : liveList.incidents.get(id);
}

// Reading

function refreshDetail() {
  clearTimeout(refreshing);
  refreshing = setTimeout(readDetail, DETAIL_MS);
}

async function readDetail() {
  const id = selected;
  if (!id) return;
  try {
    const found = await api.get(api.incidentPath(id));
    if (selected !== id) return;
    commands.settle(found);
    shown = found;
    drawDetail();
  } catch (error) {
    if (selected !== id) return;
    if (error.status !== 404) failed(error);
    else detail.missing(id, "There is no such incident, or it is past its retention.");
  }
}

async function readTotals() {
  if (document.hidden) return;
  try {
    const totals = await api.get("api/v1/totals");
    filterBar.showCounts(totals);
    page.showTotals(totals);
  } catch (error) {
    if (error.status === 401) signIn.ask();
  }
}

async function readSettings() {
  try {
    const paths = ["api/v1/me", "api/v1/platforms"];
    const [me, platforms] = await Promise.all(paths.map(api.get));
    settings = new Settings(platforms, await readConfig());
    allowActions(me.actions);
    page.showPrincipal(me);
    drawAll();
  } catch (error) {
    if (error.status === 401) signIn.ask();
  }
}

// Not everybody may see the configuration; defaults do without.
async function readConfig() {
  try {
    return await api.get("api/v1/config");
  } catch (error) {
    if (error.status === 403) return {};
    throw error;
  }
}

function reload() {
  liveList.load();
  readDetail();
}

function start() {
  readSettings();
  readTotals();
  reload();
}

function failed(error) {
  if (error.status === 401) signIn.ask();
  else page.showBanner(`${error.message}${liveList.loaded ? " What you see may be old." : ""}`);
}

// Drawing

function draw() {
  if (drawing) return;
  drawing = requestAnimationFrame(() => {
    drawing = 0;
    const { incidents, loaded, announceNew } = liveList;
    const ordered = incidents.ordered();
    list.show(ordered, { selected, commands, settings, announceNew });
    page.showEnd({
      hasMore: Boolean(incidents.next),
      isEmpty: loaded && ordered.length === 0,
      isUnfiltered: isDefault(filterBar.filter),
    });
    page.showTitle(ordered);
    filterBar.suggestServices(ordered);
  });
}

function drawDetail() {
  if (!shown || shown.id !== selected) return;
  const { id } = shown;
  detail.show(shown, { pending: commands.pendingOf(id), error: commands.errorOf(id), settings });
}

function drawAll() {
  draw();
  drawDetail();
}

// Commands

function command(id, name, body) {
  commands.run(id, name, { ...body, by: userName() });
}

async function commandDone(id, name, { moves, status }) {
  page.announce(moves ? `Incident ${status}` : "Done");
  if (selected !== id) return;
  detail.sent(name);
  await readDetail();
}

function commandFailed(id, error) {
  if (error.status === 401) signIn.ask();
  if (selected === id) readDetail();
  else page.showBanner(error.message);
}

// Choosing

function choose(id) {
  if (id) location.hash = hashOf(id);
  else history.pushState(null, "", location.pathname + location.search);
  follow();
}

// Show the incident that the address names.
function follow() {
  const id = idInHash(location.hash);
  if (id === selected) return;
  const before = selected;
  selected = id;
  shown = null;
  document.body.classList.toggle("opened", Boolean(id));
  if (id) {
    detail.loading(id);
    readDetail();
  } else {
    detail.close();
    list.focus(before);
  }
  draw();
}

function step(distance) {
  const next = liveList.incidents.neighbour(list.focusedId() ?? selected, distance);
  if (!next) return;
  list.focus(next.id);
  if (selected) choose(next.id);
}

function actByKey(key) {
  const target = newestOf(selected ?? list.focusedId());
  const name = target && actionForKey(target, key);
  if (name) command(target.id, name, {});
}

const REQUESTS = {
  leaveField: (_, field) => field.blur(),
  close: () => selected && choose(null),
  step: ({ distance }) => step(distance),
  search: () => byId("q").focus(),
  help: () => byId("keys").showModal(),
  comment: () => detail.focusComment(),
  act: ({ key }) => actByKey(key),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const field = event.target.closest("input, textarea, select");
  const request = requestOf(event.key, Boolean(field));
  if (!request) return;
  REQUESTS[request.name](request, field);
  // The browser's own Escape empties the search.
  if (event.key !== "Escape") event.preventDefault();
}

// The stream

function streamState(state) {
  page.showStreamState(state);
  if (state === "locked") signIn.ask();
  // Nobody sends again what changed meanwhile.
  if (state === "live" && wasCutOff) reload();
  wasCutOff = state !== "live";
}

function streamEvent(name, data) {
  if (name === "reset") reload();
  if (name !== "incidents") return;
  liveList.changed(data);
  const isSelected = (id) => id === selected;
  if (data.incidents.some(({ id }) => isSelected(id)) || data.removed.some(isSelected)) {
    refreshDetail();
  }
}

// Beginning

byId("more").addEventListener("click", () => liveList.load({ more: true }));
byId("help").addEventListener("click", () => byId("keys").showModal());
byId("key-list").replaceChildren(...helpRows());
listenToPreferences();
addEventListener("hashchange", follow);
addEventListener("popstate", follow);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", readTotals);
setInterval(readTotals, TOTALS_MS);
setInterval(refreshTimes, TIMES_MS);
listen({ onEvent: streamEvent, onState: streamState });
follow();
start();
