// Numbers, times and words as people read them.

const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const FULL = { dateStyle: "medium", timeStyle: "medium" };
const full = new Intl.DateTimeFormat("en-GB", FULL);
const fullUtc = new Intl.DateTimeFormat("en-GB", { ...FULL, timeZone: "UTC" });

// Up to four digits fit the narrow columns of the list and the filter buttons.
const SHORTENED_FROM = 10_000;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

export const count = (value) => number.format(value);
export const shortCount = (value) =>
  value < SHORTENED_FROM ? number.format(value) : compact.format(value);
export const percent = (share) => `${Math.round(share * 100)} %`;
// Marks that turn the direction of writing, beyond their own text too: a title could make a row
// read backwards. Each is shown as one that no font has.
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
export const harmless = (text) => text.replace(DIRECTIONS, "\ufffd");

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");

// In the reader's zone, and in UTC, which logs and other people speak.
export function fullTime(iso) {
  const at = new Date(iso);
  return `${full.format(at)} (${fullUtc.format(at)} UTC)`;
}
export const dayTime = (at) => day.format(at);
export const clockTime = (at) => clock.format(at);

// A length of time as the charts name it.
export function duration(seconds) {
  return seconds >= MINUTE ? `${Math.round(seconds / MINUTE)} min` : `${seconds} s`;
}

// The age of a moment; clocks of servers run ahead at times, so the near future is "now" as well.
export function ago(iso, now = Date.now()) {
  const seconds = Math.round((now - Date.parse(iso)) / 1000);
  if (seconds <= -MINUTE) return fullTime(iso);
  if (seconds < 5) return "now";
  if (seconds < MINUTE) return `${seconds}s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h ago`;
  return `${Math.floor(seconds / DAY)}d ago`;
}
