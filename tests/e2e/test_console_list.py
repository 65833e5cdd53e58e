"""The console's list in a real browser, on a view in a real Redis that the test fills."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browser import barriers, opened
from support.console import Console

pytestmark = [pytest.mark.browser, pytest.mark.redis]


@pytest.fixture
def page(console: Console, browser: Browser) -> Iterator[Page]:
    console.empty()
    with opened(browser, console.url) as tab:
        yield tab


def test_a_quiet_list_says_so(page: Page) -> None:
    expect(page.locator("#empty")).to_have_text("All quiet: no active incident.")
    assert barriers(page) == []
