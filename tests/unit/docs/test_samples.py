"""The samples of tickets in docs/platforms.md are what the sinks write."""

from __future__ import annotations

from support.ticket_samples import PAGE, document, samples

from ticketing.config import PLATFORMS


def test_every_platform_has_a_sample() -> None:
    assert set(samples()) == set(PLATFORMS)


def test_the_page_has_the_samples_as_they_are() -> None:
    """`PYTHONPATH=.:tests python -m support.ticket_samples` writes them anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert document(text) == text
