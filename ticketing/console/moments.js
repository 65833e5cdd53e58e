// Texts of the server with times in UTC: shown as ages, like all other times of the page.

import { time } from "./dom.js";

const MOMENT = /(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(?: UTC|Z)/;

// The parts of a text: `{text}` and `{at}`, a time in ISO 8601.
export function parts(text) {
  const found = [];
  let rest = text;
  for (let match = MOMENT.exec(rest); match; match = MOMENT.exec(rest)) {
    found.push({ text: rest.slice(0, match.index) }, { at: `${match[1]}T${match[2]}Z` });
    rest = rest.slice(match.index + match[0].length);
  }
  return [...found, { text: rest }].filter(({ text: words, at }) => words || at);
}

// The text as children of an element.
export const withMoments = (text) => parts(text).map(({ text: words, at }) => words ?? time(at));
