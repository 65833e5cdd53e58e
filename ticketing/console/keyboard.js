// Keys: what they ask for, and their list for the help dialog.

import { ACTION_KEYS } from "./actions.js";
import { el } from "./dom.js";

const HELP = [
  [["j", "k"], "next, previous incident"],
  [["Enter"], "open"],
  [["Esc"], "close"],
  [["/"], "search"],
  ...Object.entries(ACTION_KEYS).map(([name, key]) => [[key], name]),
  [["x"], "choose for an action on several"],
  [["u"], "undo, for five seconds"],
  [["c"], "comment"],
];

const KEYS = {
  j: { name: "step", distance: 1 },
  ArrowDown: { name: "step", distance: 1 },
  k: { name: "step", distance: -1 },
  ArrowUp: { name: "step", distance: -1 },
  "/": { name: "search" },
  "?": { name: "help" },
  c: { name: "comment" },
  x: { name: "pick" },
  u: { name: "undo" },
};

// The request behind a key; null for a key that is left to the browser. `typing`: in a field.
export function requestOf(key, typing) {
  if (key === "Escape") return { name: typing ? "leaveField" : "close" };
  if (typing) return null;
  if (Object.hasOwn(KEYS, key)) return KEYS[key];
  return Object.values(ACTION_KEYS).includes(key) ? { name: "act", key } : null;
}

export function helpRows() {
  return HELP.map(([keys, text]) => {
    const caps = keys.flatMap((key) => [el("kbd", {}, key), " "]);
    return el("div", {}, el("dt", {}, ...caps), el("dd", {}, text));
  });
}
