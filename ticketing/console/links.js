// Addresses: of an incident within the page, and of tickets on other sites.

const INCIDENT_HASH = /^#\/incidents\/([0-9a-f]{16}-[0-9a-f]{16})$/;

export const LIST_HASH = "#/";
export const OVERVIEW_HASH = "#/overview";
export const hashOf = (id) => `#/incidents/${id}`;

// The incident that a hash leads to; null for any other hash.
export function idInHash(hash) {
  return INCIDENT_HASH.exec(hash)?.[1] ?? null;
}

// Only an address of a web page may become a link: anything else could be a script.
export function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
