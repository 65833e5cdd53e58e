"""The number of cases of the fuzz tests: ten thousand in `make test`, a million in `make chaos`."""

from __future__ import annotations

import os

import hypothesis

CASES_VARIABLE = "TICKETING_TEST_FUZZ_CASES"
CASES = int(os.environ.get(CASES_VARIABLE, "10000"))


def fuzz(share: float = 1.0) -> hypothesis.settings:
    """The settings of a fuzz test that makes up this share of all cases."""
    return hypothesis.settings(max_examples=max(1, round(CASES * share)))
