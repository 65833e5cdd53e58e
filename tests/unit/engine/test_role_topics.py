"""A worker starts whatever is wrong with one platform's topics; its adapter refuses by itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ticketing.engine import role_topics
from ticketing.errors import TopicsRefused
from ticketing.kafka.admin import Seen
from ticketing.wire.known_topics import Known
from ticketing.wire.topics import SIGNALS, specs

WANTED = specs(["jira", "pagerduty"], ["logs"], 4, message_bytes_max=1_000_000)


def runtime_in(directory: Path) -> Any:
    def look(names: list[str], keys: object) -> dict[str, Seen]:
        return {name: Seen(4, "now") for name in names}

    config = SimpleNamespace(
        data_dir=str(directory), enabled_platforms=lambda: ["jira", "pagerduty"]
    )
    return SimpleNamespace(
        config=config,
        embedded=False,
        topic_specs=lambda: WANTED,
        topics=lambda: SimpleNamespace(look=look, unchecked={}),
    )


@pytest.mark.parametrize(
    ("name", "refused"),
    [("ticketing-jira", False), ("ticketing-jira-deliveries-changelog", False), (SIGNALS, True)],
)
def test_a_platforms_topics_keep_only_its_adapter_from_work(
    name: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {name: Known(partitions=4, id="before")}
    monkeypatch.setattr(role_topics.registry, "read", lambda _: known)
    runtime = runtime_in(tmp_path)
    assert role_topics.look_at_all(runtime).verdict.remade == [name], "`topics check` says so"
    if refused:
        with pytest.raises(TopicsRefused):
            role_topics.verify_all(runtime)
    else:
        role_topics.verify_all(runtime)
