"""Chromium for tests, and the rules of accessibility that a page is held to in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from support.requirements import missing

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parents[1] / "console" / "node_modules" / "axe-core" / "axe.min.js"
_AXE_RUN = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.flatMap(
  ({id, help, nodes}) => nodes.map(({target, any}) =>
    `${id}: ${help}: ${target.join(" ")} ${any.map(({message}) => message).join(" ")}`)
)
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser. Skips or fails the test where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing(f"no browser: none of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page of its own session; in the end no script of the page may have failed."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    try:
        tab.goto(url)
        yield tab
    finally:
        context.close()
    assert not problems


def barriers(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, a line each."""
    if not AXE.exists():
        missing("no axe-core: run `make lint` once, or `npm ci` in tests/console")
    # By the protocol of the browser: the page's own policy lets no script of others in.
    page.evaluate(AXE.read_text(encoding="utf-8") + "; true")
    found: list[str] = page.evaluate(_AXE_RUN)
    return found
