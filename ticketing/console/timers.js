// The browser's timers as functions that may be kept: its own work as those of the window alone.

export const inTime = (run, ms) => setTimeout(run, ms);
export const clearTimer = (timer) => clearTimeout(timer);
