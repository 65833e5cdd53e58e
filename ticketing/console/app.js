// The console: brings the list, the open incident, commands and the API together.

import { allowActions, findAction } from "./actions.js";
import * as api from "./api.js";
import { showBulk } from "./bulk.js";
import { Chosen, commonActions } from "./chosen.js";
import { Commands } from "./commands.js";
import { Detail } from "./detail.js";
import { byId, refreshTimes } from "./dom.js";
import { isDefault } from "./filter.js";
import { FilterBar } from "./filter-bar.js";
import { itemsOf } from "./grouping.js";
import { Held } from "./held.js";
import { helpRows, requestOf } from "./keyboard.js";
import { hashOf, idInHash, LIST_HASH, OVERVIEW_HASH } from "./links.js";
import { List } from "./list.js";
import { LiveList } from "./live-list.js";
import { Looked } from "./looked.js";
import { Overview } from "./overview.js";
import * as page from "./page.js";
import { listenToPreferences, userName } from "./preferences.js";
import { Settings } from "./settings.js";
import { SignIn } from "./sign-in.js";
import { listen } from "./stream.js";
import { hideStrip, showStrip } from "./strip.js";
import { heldInWords, onUndo, showUndo } from "./undo.js";

const TOTALS_MS = 2000;
const TIMES_MS = 5000;
const HEALTH_MS = 3000;
const OVERVIEW_MS = 30_000;
const DETAIL_MS = 150; // Changes come in bursts: the pane is read once after one.
const DETAIL_RETRY_MS = 2000;

let settings = new Settings();
let selected = null;
let shown = null; // The whole document of the selected incident.
let drawing = 0;
let refreshing = 0;
let listProblem = null;

const looked = new Looked();
const signIn = new SignIn(start);
const filterBar = new FilterBar(() => liveList.load());
const chosen = new Chosen(draw);
const list = new List(byId("list"), byId("scroll"), {
  choose: (id, wanted) => chosen.set(id, wanted),
  end: () => liveList.loadMore(),
});
const detail = new Detail(byId("detail"), {
  action: (id, name, body) => act([id], name, body),
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
    success: () => listFailed(null),
    problem: listFailed,
  },
});
const commands = new Commands({
  send: api.command,
  sendAll: api.batch,
  newestOf,
  on: { change: drawAll, done: commandDone, allDone: commandsDone, failed: commandFailed },
});
const overview = new Overview({
  onProblem: (error) => (error ? problem("overview", error) : page.showProblem("overview", null)),
  by: userName,
});
const held = new Held({ newestOf, on: { change: heldChanged, send } });

function newestOf(id) {
  return shown?.id === id ? shown : liveList.incidents.get(id);
}

const pendingOf = (id) => commands.pendingOf(id) ?? held.pendingOf(id);

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
    page.showProblem("incident", null);
    drawDetail();
  } catch (error) {
    if (selected === id) detailFailed(id, error);
  }
}

// What cannot be read now is read again; until then the pane says why it is old or empty.
function detailFailed(id, error) {
  if (error.status === 404) {
    const text = "There is no such incident, or it is past its retention.";
    detail.missing(id, "Not here", text);
    page.showProblem("incident", null);
    return;
  }
  problem("incident", error);
  if (!shown) detail.missing(id, "Cannot be read now", `${error.message} Trying again…`);
  if (!error.temporary) return;
  clearTimeout(refreshing);
  refreshing = setTimeout(readDetail, error.retryMs ?? DETAIL_RETRY_MS);
}

async function readTotals() {
  if (document.hidden) return;
  try {
    const totals = await api.get("api/v1/totals");
    filterBar.showCounts(totals);
  } catch (error) {
    if (error.status === 401) signIn.ask();
  }
}

// While the server does not say how it is, nothing is said of it.
async function readHealth() {
  if (document.hidden) return;
  try {
    const health = await api.get("api/v1/health");
    showStrip(health);
    overview.take(health);
  } catch (error) {
    hideStrip();
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
  liveList.refresh();
  readDetail();
}

function start() {
  readSettings();
  readTotals();
  readHealth();
  reload();
  overview.read();
}

function problem(source, error) {
  if (error.status === 401) signIn.ask();
  else page.showProblem(source, `${error.message} What you see may be old; trying again.`);
}

function listFailed(error) {
  listProblem = error;
  if (!error || !liveList.loaded) page.showProblem("list", null);
  else problem("list", error);
  if (error?.status === 401) signIn.ask();
}

// Drawing

function draw() {
  if (drawing) return;
  drawing = requestAnimationFrame(() => {
    drawing = 0;
    const { incidents, loaded, announceNew } = liveList;
    const ordered = incidents.ordered();
    const isNew = (incident) => looked.isNew(incident);
    const context = { selected, pendingOf, settings, chosen, isNew, announceNew };
    list.show(itemsOf(ordered, filterBar.filter.group, settings), context);
    drawAround(ordered, loaded);
  });
}

function drawAround(ordered, isLoaded) {
  page.showEnd({
    hasMore: Boolean(liveList.incidents.next),
    isEmpty: ordered.length === 0,
    isLoaded,
    isUnfiltered: isDefault(filterBar.filter),
    problem: listProblem?.message,
  });
  const fresh = ordered.filter((one) => looked.isNew(one));
  page.showNews(fresh.length, looked.at, () => {
    looked.seen(liveList.incidents.ordered());
    draw();
  });
  showBulk(chosen.of(ordered), ordered.length, {
    act: (ids, name) => act(ids, name),
    all: () => chosen.all(list.ids),
    clear: () => chosen.clear(),
  });
  page.showTitle(ordered);
  filterBar.suggestServices(ordered);
}

function drawDetail() {
  if (!shown || shown.id !== selected) return;
  const { id } = shown;
  detail.show(shown, { pending: pendingOf(id), error: commands.errorOf(id), settings });
}

function drawAll() {
  draw();
  drawDetail();
}

// Commands

// What changes a status is held for a moment; the rest is sent at once.
function act(ids, name, body = {}) {
  const isMove = ids.some((id) => findAction(newestOf(id) ?? {}, name)?.leadsTo);
  if (isMove) held.hold(ids, name, body);
  else send(ids, name, body);
  chosen.clear();
}

function send(ids, name, body) {
  const signed = { ...body, by: userName() };
  if (ids.length === 1) commands.run(ids[0], name, signed);
  else commands.runAll(ids, name, signed);
}

function heldChanged() {
  const now = held.held;
  const text = now && heldInWords(now, newestOf(now.ids[0])?.title ?? now.ids[0]);
  showUndo(text);
  if (text) page.announce(`${text}. Undo with u.`);
  drawAll();
}

function undo() {
  if (held.undo()) page.announce("Taken back");
}

async function commandDone(id, name, { moves, status }) {
  page.announce(moves ? `Incident ${status}` : "Done");
  page.showProblem("command", null);
  if (selected !== id) return;
  detail.sent(name);
  await readDetail();
}

function commandsDone(name, results) {
  const refused = results.filter(({ ok }) => !ok);
  page.announce(`${name}: ${results.length - refused.length} of ${results.length}`);
  const [first] = refused;
  const text = first && `${name}: ${refused.length} of ${results.length} refused: `;
  page.showProblem("command", text ? text + first.error.detail : null);
}

function commandFailed(id, error) {
  if (error.status === 401) signIn.ask();
  if (id && selected === id) readDetail();
  else page.showProblem("command", error.message);
}

// Choosing

// A step from one open incident to the next takes its place in the history.
function choose(id, { instead = false } = {}) {
  const address = location.pathname + location.search + (id ? hashOf(id) : LIST_HASH);
  if (instead) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  follow();
}

// Show what the address names.
function follow() {
  filterBar.follow();
  const isOverview = location.hash === OVERVIEW_HASH;
  page.showPage(isOverview);
  overview.show(isOverview);
  const id = idInHash(location.hash);
  if (id === selected) return;
  const before = selected;
  selected = id;
  shown = null;
  page.showProblem("incident", null);
  document.body.classList.toggle("opened", Boolean(id));
  if (id) {
    detail.loading(id);
    byId("detail").focus({ preventScroll: true });
    list.reveal(id);
    readDetail();
  } else {
    detail.close();
    list.focus(before);
  }
  draw();
}

function step(distance) {
  const next = list.next(selected ?? list.focusedId(), distance);
  if (!next) return;
  if (selected) choose(next, { instead: true });
  else list.focus(next);
}

// The incidents that a key acts on: those chosen, else the open one, else the one in focus.
function targets() {
  const several = chosen.of(liveList.incidents.ordered());
  if (several.length) return several;
  const one = newestOf(selected ?? list.focusedId());
  return one ? [one] : [];
}

function actByKey(key) {
  const found = targets();
  const action = commonActions(found).find((one) => one.key === key);
  if (action) act(action.ids, action.name);
  else if (!found.length) page.announce("Choose an incident first, with j");
}

function pick() {
  const id = list.focusedId() ?? selected;
  if (id) chosen.toggle(id);
}

async function signOut() {
  held.flush();
  await api.endSession();
  location.reload();
}

const REQUESTS = {
  leaveField: (_, field) => field.blur(),
  close: () => (selected ? choose(null) : chosen.clear()),
  step: ({ distance }) => step(distance),
  search: () => byId("q").focus(),
  help: () => byId("keys").showModal(),
  comment: () => detail.focusComment(),
  act: ({ key }) => actByKey(key),
  pick,
  undo,
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const field = event.target.closest("input:not([type=checkbox]), textarea, select");
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
  // A stream that is back tells what was missed.
  if (state === "polling") reload();
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

byId("more").addEventListener("click", () => liveList.loadMore());
byId("sign-out").addEventListener("click", signOut);
onUndo(undo);
byId("help").addEventListener("click", () => byId("keys").showModal());
byId("key-list").replaceChildren(...helpRows());
listenToPreferences();
addEventListener("hashchange", follow);
addEventListener("popstate", follow);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) looked.left();
  else looked.back();
  readTotals();
  readHealth();
  draw();
});
addEventListener("pagehide", () => held.flush());
setInterval(readTotals, TOTALS_MS);
setInterval(readHealth, HEALTH_MS);
setInterval(() => !document.hidden && overview.read(), OVERVIEW_MS);
setInterval(refreshTimes, TIMES_MS);
listen({ onEvent: streamEvent, onState: streamState });
follow();
start();
