"""Every client of ours sends with these options, or to our own API."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("agents", "sinks", "tables", "ticketing")
    for path in (ROOT / folder).rglob("*.py")
    if "ClientSession(" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("file", CLIENTS)
def test_a_client_says_how_it_treats_redirects_and_the_environment(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert "**outgoing.options(" in text or "allow_redirects=False" in text
    assert "trust_env=True" not in text


def test_there_are_clients_to_look_at() -> None:
    assert "sinks/calls/transport.py" in CLIENTS
