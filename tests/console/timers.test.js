import { test } from "node:test";

import { clearTimer, inTime } from "../../ticketing/console/timers.js";

test("a timer is kept as a member of anything, and can be ended", (_, done) => {
  const holder = { later: inTime, never: clearTimer };
  const ended = holder.later(() => done(new Error("it was ended")), 0);
  holder.never(ended);
  holder.later(done, 1);
});
