// Pages that did not get through: the one thing on the screen that is red.

import { el } from "./dom.js";

const REASONS = {
  rejected: "refused",
  not_in_time: "not in time",
  failing: "tried again and again",
};

export const reasonInWords = (reason) => REASONS[reason] ?? reason;

// The platforms that an incident did not reach, as `{platform, reason}`. A view that an older
// release has filled lacks the list, and tells of refused tickets only.
export function undeliveredOf({ undelivered, tickets = [] }) {
  if (undelivered) return undelivered;
  const refused = tickets.filter(({ state }) => state === "rejected");
  return refused.map(({ platform }) => ({ platform, reason: "rejected" }));
}

export function failedPages(incident, settings) {
  return undeliveredOf(incident).map(({ platform, reason }) => {
    const text = `${settings.titleOf(platform)}: ${reasonInWords(reason)}`;
    return el("span", { class: "failed", title: "A page that did not get through" }, text);
  });
}
