// The way to the post-mortem: the incident's address, and a draft as a file.

import { send } from "./api.js";
import { el } from "./dom.js";
import { hashOf } from "./links.js";

const pathOf = (id) => `api/v1/incidents/${encodeURIComponent(id)}/postmortem`;

// `failed` hears of an error.
export function postMortemLinks({ id }, failed) {
  const onclick = () => download(id).catch(failed);
  const properties = { type: "button", class: "small", "data-keep": "post-mortem", onclick };
  return el(
    "div",
    { class: "links" },
    el("a", { href: hashOf(id), "data-keep": "permalink" }, "Permalink"),
    el("button", properties, "Post-mortem as Markdown"),
  );
}

// Read with the token of this tab, which a plain link would not send.
async function download(id) {
  const response = await send(pathOf(id));
  const url = URL.createObjectURL(await response.blob());
  el("a", { href: url, download: `postmortem-${id}.md` }).click();
  URL.revokeObjectURL(url);
}
