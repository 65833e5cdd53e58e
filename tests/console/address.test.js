import assert from "node:assert/strict";
import { test } from "node:test";

import { filterIn, searchOf } from "../../ticketing/console/address.js";
import { NO_FILTER } from "../../ticketing/console/filter.js";

test("what is not chosen does not stand in the address", () => {
  assert.equal(searchOf(NO_FILTER), "");
  assert.deepEqual(filterIn(""), { ...NO_FILTER, severities: [] });
});

test("a filter comes back from its address", () => {
  const filter = {
    status: "",
    severities: ["critical", "low"],
    q: "a&b=c #d",
    service: "päyment",
    since: "3600",
    group: "team",
  };
  assert.deepEqual(filterIn(searchOf(filter)), filter);
});

test("what cannot be chosen counts as not chosen", () => {
  const made = "?status=gone&severity=huge,high&since=-1&group=tenant&more=1";
  assert.deepEqual(filterIn(made), { ...NO_FILTER, severities: ["high"] });
});
