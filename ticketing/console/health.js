// The health of the installation, as the server tells it, in words. What it cannot tell now is not
// shown: no number is guessed.

import { count, duration, percent, shortCount } from "./format.js";

const LATE_SECONDS = 60; // A minute behind: pages are late enough to be noticed.
const ROLE_STATES = { down: "is down", starting: "is starting" };

const cell = (label, text, state = "well", more = {}) => ({ label, text, state, ...more });
const known = (value) => value !== null && value !== undefined;

// The cells of the strip, as `{label, text, state, at, href, title}`. States: "well", "warn", and
// "failed" for pages that did not get through; `at` is a time instead of a text.
export function cellsOf(health) {
  return [
    ...failedCells(health),
    ...roleCells(health),
    ...circuitCells(health),
    ...viewCells(health),
    ...recordCells(health),
  ];
}

function failedCells({ undelivered, undeliveredTotal }) {
  if (!undeliveredTotal) return [];
  const text = undeliveredTotal === 1 ? "1 page" : `${count(undeliveredTotal)} pages`;
  const [first] = undelivered ?? [];
  return [cell("", `${text} did not get through`, "failed", { id: first?.id })];
}

function roleCells({ roles = [], kafka }) {
  if (kafka === false) return [cell("Kafka", "does not answer", "warn")];
  const ill = roles.filter(({ state }) => ROLE_STATES[state]);
  if (!ill.length) return roles.length ? [cell("Roles", `${roles.length} up`)] : [];
  return ill.map(({ role, state }) => cell(role, ROLE_STATES[state], "warn"));
}

function circuitCells({ platforms = [] }) {
  const closed = platforms.filter(({ circuit }) => circuit === "closed");
  const open = platforms.filter(({ circuit }) => circuit === "open");
  const title = closed.map((one) => one.title).join(", ");
  return [
    ...open.map((one) => cell(one.title, "does not answer", "warn", { title: one.reason })),
    ...(closed.length ? [cell("Platforms", `${closed.length} answer`, "well", { title })] : []),
  ];
}

function viewCells({ view }) {
  if (view === "rebuilding") return [cell("The list", "is being rebuilt", "warn")];
  return view === "away" ? [cell("Redis", "does not answer", "warn")] : [];
}

function recordCells({ lastRecordAt, lag, deadLetters, sampledShare }) {
  const late = lag?.seconds;
  return [
    lastRecordAt && cell("Last record", "", "well", { at: lastRecordAt }),
    known(late) && cell("Lag", lagInWords(lag), late > LATE_SECONDS ? "warn" : "well"),
    known(deadLetters) &&
      cell("Dead letters", shortCount(deadLetters), deadLetters ? "warn" : "well"),
    known(sampledShare) && sampledShare < 1 && cell("Traces", `${percent(sampledShare)} sampled`),
  ].filter(Boolean);
}

export function lagInWords({ records, seconds }) {
  if (!seconds) return "none";
  return `${duration(Math.round(seconds))}, ${shortCount(records ?? 0)} records`;
}

// How the records add up, as rows of name and number; none where that is not told.
export function balanceRows({ balance }) {
  if (!balance) return [];
  return [
    ["Records", balance.records],
    ["Below the threshold", balance.belowThreshold],
    ["Counted", balance.counted],
    ["Dead letters", balance.deadLetters],
  ];
}

export function balanceInWords({ balance }) {
  if (!balance) return null;
  if (balance.addsUp) return "✓ adds up";
  const difference = count(Math.abs(balance.underWay));
  return balance.addsUp === false ? `${difference} do not add up` : `${difference} under way`;
}
