"""The assignor leaves rather than assign nothing of a topic that the broker does not list yet."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ticketing.config import Config
from ticketing.engine import assignor
from ticketing.engine.app import create_app

IN, CHANGELOG = "ticketing-in", "ticketing-in-changelog"


class Left(Exception):
    """Stands for the end of the process."""


def cluster(**partitions: int) -> Any:
    return SimpleNamespace(partitions_for_topic=lambda name: set(range(partitions.get(name, 0))))


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def leaves(why: str, reason: str) -> None:
        raise Left(why)

    monkeypatch.setattr(assignor, "leave", leaves)
    config = Config(data_dir=tmp_path)
    app = create_app("an-app", config, batched=["in"], brokers="localhost:1", partitions=4)
    return app.assignor._get_copartitioned_groups


def test_a_missing_topic_ends_the_process_that_would_assign(groups: Any) -> None:
    topics, subscriptions = {IN, CHANGELOG}, {"a": [IN, CHANGELOG]}
    with pytest.raises(Left, match=CHANGELOG):
        groups(topics, cluster(**{IN: 4}), subscriptions)


def test_listed_topics_are_assigned_together(groups: Any) -> None:
    topics, subscriptions = {IN, CHANGELOG}, {"a": [IN, CHANGELOG]}
    found = groups(topics, cluster(**{IN: 4, CHANGELOG: 4}), subscriptions)
    assert {number: [set(group) for group in listed] for number, listed in found.items()} == {
        4: [topics]
    }


def test_a_missing_input_is_left_out_as_it_may_come_back(groups: Any) -> None:
    topics, subscriptions = {IN, "logs"}, {"a": [IN, "logs"]}
    found = groups(topics, cluster(**{IN: 4}), subscriptions)
    assert {number: [set(group) for group in listed] for number, listed in found.items()} == {
        4: [{IN}]
    }
