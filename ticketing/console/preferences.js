// Choices kept in this browser: light or dark, and the name that commands are sent under.
// Where storage is forbidden they last as long as the page.

import { byId } from "./dom.js";

const THEME = "theme";
const NAME = "who";

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is forbidden here.
  }
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function listenToPreferences() {
  byId("theme").addEventListener("click", () => {
    const chosen = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    write(THEME, chosen);
  });
  const who = byId("who");
  who.value = read(NAME) || "";
  who.addEventListener("change", () => write(NAME, who.value.trim()));
}

// The name that commands are sent under.
export const userName = () => byId("who").value.trim() || "console";
