// Requests to the API: the token, reading, commands, and what went wrong.

const TOKEN = "ticketing-token";
const KEY_BYTES = 12; // As many as the server draws for commands without a key.

// An answer that is not a success; `status` 0 where there was no answer at all.
export class Problem extends Error {
  // `retryAfter`: the server's wish in seconds, if it has one.
  constructor(status, body, retryAfter = null) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.retryMs = Number(retryAfter) > 0 ? Number(retryAfter) * 1000 : null;
  }

  // True where the same request may succeed later.
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) || "",
  set: (value) => sessionStorage.setItem(TOKEN, value),
  clear: () => sessionStorage.removeItem(TOKEN),
};

function withToken(headers) {
  const known = token.get();
  return known ? { ...headers, Authorization: `Bearer ${known}` } : { ...headers };
}

async function request(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The server can't be reached." });
  }
}

// The response to a request; throws Problem for what is not a success.
export async function send(path, options = {}) {
  const url = new URL(path, new URL(".", document.baseURI));
  const headers = withToken(options.headers);
  const response = await request(url, { cache: "no-store", ...options, headers });
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Problem(response.status, body, response.headers.get("Retry-After"));
}

export async function get(path) {
  return (await send(path)).json();
}

// A page of the list, with the cursor of the next page; null after the last one.
export async function getPage(path, signal) {
  const response = await send(path, { signal });
  const next = nextCursor(response.headers.get("Link"), response.url);
  return { incidents: await response.json(), next };
}

// The cursor in a Link header; null where the header names no next page.
export function nextCursor(header, base) {
  const link = /<([^>]+)>;\s*rel="next"/.exec(header ?? "");
  return link ? new URL(link[1], base).searchParams.get("cursor") : null;
}

export const incidentPath = (id) => `api/incidents/${encodeURIComponent(id)}`;

// Also for a page that is being left: a command that was given goes out.
export async function post(path, body, key = newKey()) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const options = { method: "POST", headers, body: JSON.stringify(body), keepalive: true };
  return (await send(path, options)).json();
}

export const command = (id, action, body, key) => post(`${incidentPath(id)}/${action}`, body, key);

// One action on several incidents; a result for each.
export async function batch(ids, action, body, key) {
  return (await post("api/v1/incidents/batch", { ids, action, ...body }, key)).results;
}

// Forget who is signed in, here and in the browser's session.
export async function endSession() {
  await post("api/v1/session/end", {}).catch(() => {});
  token.clear();
}

// A key for one command, kept when the command is repeated.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return `console-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
