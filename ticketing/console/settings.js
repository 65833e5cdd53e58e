// What the server says about itself: its platforms and the length of a counting window.

import { capital } from "./format.js";

// The server's default, until its configuration has been read.
const WINDOW_SECONDS = 900;

export class Settings {
  // `platforms` are `{name, title, enabled}`, `config` all settings in effect, with the teams of
  // services.
  constructor(platforms = [], config = {}) {
    this.windowSeconds = Number(config.anomaly?.lookbackWindow) || WINDOW_SECONDS;
    const services = Object.entries(config.catalog?.services ?? {});
    this.teams = new Map(services.map(([name, { team }]) => [name, team]));
    this.titles = new Map(platforms.map(({ name, title }) => [name, title]));
    this.enabledPlatforms = platforms.filter(({ enabled }) => enabled).map(({ name }) => name);
  }

  // The team that owns a service; null for one that the catalog does not know.
  teamOf(service) {
    return this.teams.get(service) ?? null;
  }

  // A platform's name as people write it.
  titleOf(platform) {
    return this.titles.get(platform) ?? capital(platform);
  }
}
