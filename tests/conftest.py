"""What holds for every test: in CI a test that did not run is a failure."""

from __future__ import annotations

import os

import pytest

REQUIRE_VARIABLE = "TICKETING_TESTS_REQUIRE"


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get(REQUIRE_VARIABLE) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but {REQUIRE_VARIABLE} is set: {report.longrepr}"
