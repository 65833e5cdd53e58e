// What the server says about itself: its platforms and the length of a counting window.

import { capital } from "./format.js";

// The server's default, until its configuration has been read.
const WINDOW_SECONDS = 900;

export class Settings {
  // `platforms` are `{name, title, enabled}`, `config` all settings in effect.
  constructor(platforms = [], config = {}) {
    this.windowSeconds = Number(config.anomaly?.lookbackWindow) || WINDOW_SECONDS;
    this.titles = new Map(platforms.map(({ name, title }) => [name, title]));
    this.enabledPlatforms = platforms.filter(({ enabled }) => enabled).map(({ name }) => name);
  }

  // A platform's name as people write it.
  titleOf(platform) {
    return this.titles.get(platform) ?? capital(platform);
  }
}
