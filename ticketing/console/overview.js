// The overview: how much is paged and how soon it ends, and whether the installation is well.

import * as api from "./api.js";
import { deadLetterTable } from "./dead-letters.js";
import { byId, el, time } from "./dom.js";
import { count, percent } from "./format.js";
import { balanceInWords, balanceRows, lagInWords } from "./health.js";
import { facts, section, table } from "./section.js";
import { chartsOf, figuresOf, meanTime, PERIODS, ratio, statsPath } from "./stats.js";
import { trendChart } from "./trend.js";

const SHOWN_MAX = 10; // Services, people and letters: more than somebody acts on at once.

// Parts that somebody of this role may not see, or that this process cannot tell, stay away.
async function optional(path) {
  try {
    return await api.get(path);
  } catch (error) {
    if (error.status === 403 || error.status === 404 || error.status === 501) return null;
    throw error;
  }
}

export class Overview {
  // `onProblem` hears of an error, and of null once the parts could be read; `by` is the name that
  // commands are sent under.
  constructor({ onProblem, by }) {
    this.node = byId("overview");
    this.onProblem = onProblem;
    this.by = by;
    this.days = "30";
    this.health = null;
    this.stats = null;
    this.letters = null;
    this.redriven = new Set();
  }

  show(isShown) {
    this.node.hidden = !isShown;
    if (isShown) this.read();
  }

  async read() {
    if (this.node.hidden) return;
    const paths = [statsPath(this.days), `api/v1/dead-letters?limit=${SHOWN_MAX}`];
    const [stats, letters] = await Promise.allSettled(paths.map(optional));
    this.stats = stats.value ?? this.stats;
    this.letters = letters.value ?? this.letters;
    this.onProblem(stats.reason ?? letters.reason ?? null);
    this.draw();
  }

  // The health is read for the strip anyway.
  take(health) {
    this.health = health;
    this.draw();
  }

  draw() {
    if (this.node.hidden) return;
    const focused = document.activeElement?.dataset.keep;
    this.node.replaceChildren(
      el("div", { class: "head" }, el("h2", {}, "Overview"), this.periods()),
      ...(this.stats ? statistics(this.stats) : [el("p", { class: "faint" }, "Loading…")]),
      ...(this.health ? wellBeing(this.health) : []),
      ...this.deadLetters(),
    );
    if (focused) this.node.querySelector(`[data-keep="${focused}"]`)?.focus();
  }

  periods() {
    const buttons = PERIODS.map(([days, text]) =>
      el(
        "button",
        {
          type: "button",
          "aria-pressed": String(days === this.days),
          "data-keep": `days-${days}`,
          onclick: () => this.choose(days),
        },
        text,
      ),
    );
    return el("div", { class: "segments", role: "group", "aria-label": "Period" }, ...buttons);
  }

  choose(days) {
    this.days = days;
    this.draw();
    this.read();
  }

  deadLetters() {
    if (!this.letters) return [];
    const redrive = (id) => this.redrive(id);
    return [section("Dead letters", deadLetterTable(this.letters, this.redriven, redrive))];
  }

  async redrive(id) {
    try {
      await api.post(`api/v1/dead-letters/${encodeURIComponent(id)}/redrive`, { by: this.by() });
      this.redriven.add(id);
      this.onProblem(null);
    } catch (error) {
      this.onProblem(error);
    }
    this.draw();
  }
}

function statistics(stats) {
  const figures = figuresOf(stats).map(({ name, text, title }) =>
    el("div", { title }, el("dt", {}, name), el("dd", {}, text)),
  );
  return [
    el("dl", { class: "figures" }, ...figures),
    el("div", { class: "charts" }, ...chartsOf(stats).map(trendChart)),
    section("Services with the most pages", serviceTable(stats.services)),
    ...(stats.people.length ? [section("Pages per person", peopleTable(stats.people))] : []),
  ];
}

function serviceTable(services) {
  const rows = services
    .slice(0, SHOWN_MAX)
    .map((one) => [
      el("span", { class: "service" }, one.service),
      count(one.pages),
      count(one.incidents),
      ratio(one.noiseReduction),
      meanTime(one.mttaSeconds),
      meanTime(one.mttrSeconds),
    ]);
  const heads = ["Service", "Pages", "Incidents", "Anomalies per page", "To acknowledge"];
  return rows.length ? table([...heads, "To resolve"], rows) : el("p", { class: "faint" }, "None.");
}

function peopleTable(people) {
  const rows = people
    .slice(0, SHOWN_MAX)
    .map((one) => [one.name, count(one.pages), ratio(one.pagesPerDay)]);
  return table(["Person", "Pages", "A day"], rows);
}

function wellBeing(health) {
  const { lag, sampledShare, platforms = [], roles = [] } = health;
  const share = sampledShare === null ? null : percent(sampledShare);
  const balance = balanceRows(health).map(([name, value]) => [name, count(value)]);
  const platform = ({ title, circuit, since, pending, undelivered }) => [
    title,
    circuit === "open" ? el("span", {}, "does not answer, since ", time(since)) : circuit,
    pending === null ? "–" : count(pending),
    undelivered ? el("span", { class: "failed" }, count(undelivered)) : "0",
  ];
  const role = ({ role: name, state, workers, since }) => [
    name,
    state,
    count(workers),
    time(since),
  ];
  return [
    section(
      "Pipeline",
      facts([
        ["Last record", time(health.lastRecordAt)],
        ["Lag", lag && lag.seconds !== null && lagInWords(lag)],
        ["Traces sampled", share],
        ...balance,
        ["Balance", balanceInWords(health)],
      ]),
    ),
    section(
      "Platforms",
      table(["Platform", "Circuit", "Waiting", "Lost"], platforms.map(platform)),
    ),
    section("Roles", table(["Role", "State", "Workers", "Since"], roles.map(role))),
  ];
}
