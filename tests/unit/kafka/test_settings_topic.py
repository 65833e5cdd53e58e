"""The changed settings in Kafka: kept, in one order, over every start."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from ticketing.config import Config, validate
from ticketing.errors import Conflict
from ticketing.kafka import settings_topic, writer
from ticketing.kafka.runtime import Runtime
from ticketing.kafka.settings_topic import SettingsTopic, with_changed
from ticketing.wire.settings import ChangedSettings
from ticketing.wire.topics import SETTINGS

BETTER = {"anomaly": {"minimumScore": 0.9}}
WORSE = {"anomaly": {"minimumScore": 0.7}}


@pytest.fixture
def runtime() -> Runtime:
    """On an embedded broker of its own."""
    return Runtime.of(Config.model_validate({"kafka": {"brokers": "embedded"}}))


def test_nothing_was_changed_before_the_first_change(runtime: Runtime) -> None:
    assert SettingsTopic(runtime).read() == ChangedSettings()
    assert with_changed(runtime).config == runtime.config


def test_a_change_is_there_for_every_start_until_the_next(runtime: Runtime) -> None:
    runtime.ensure_topics()
    topic = SettingsTopic(runtime, clock=lambda: 5.0)
    first = topic.write(ChangedSettings(), BETTER, "ada")
    assert first == ChangedSettings(revision=1, at=5.0, by="ada", changes=BETTER)
    assert SettingsTopic(runtime).read() == first
    second = topic.write(first, WORSE, "kim")
    assert SettingsTopic(runtime).read() == second
    started = with_changed(runtime)
    assert started.config.anomaly.minimum_score == 0.7
    assert (started.given, started.changed) == (runtime.config, second)
    third = topic.write(second, {}, "kim")
    assert third.revision == 3
    assert with_changed(started).config == runtime.config


def test_of_two_at_once_the_first_counts_and_the_other_hears_of_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.ensure_topics()
    slow, fast = SettingsTopic(runtime), SettingsTopic(runtime)
    real = writer.write

    def overtaken(*arguments: Any) -> None:
        monkeypatch.setattr(settings_topic.writer, "write", real)
        fast.write(ChangedSettings(), BETTER, "fast")
        real(*arguments)

    monkeypatch.setattr(settings_topic.writer, "write", overtaken)
    with pytest.raises(Conflict):
        slow.write(ChangedSettings(), WORSE, "slow")
    assert SettingsTopic(runtime).read().by == "fast"
    # As compaction would leave it: without what was taken back.
    assert [one.by for one in SettingsTopic(runtime)._read().values()] == ["fast"]


def test_a_foreign_record_hides_no_change(runtime: Runtime) -> None:
    runtime.ensure_topics()
    kept = SettingsTopic(runtime).write(ChangedSettings(), BETTER, "ada")
    writer.write(runtime, SETTINGS, {"x": b"nonsense", "y": b'{"revision": "x"}'}, "a test")
    assert SettingsTopic(runtime).read() == kept


def test_changes_that_do_not_fit_any_more_are_left_out_and_said(runtime: Runtime) -> None:
    runtime.ensure_topics()
    SettingsTopic(runtime).write(ChangedSettings(), {"routing": {"low": ["jira"]}}, "ada")
    with capture_logs() as said:
        started = with_changed(runtime)
    assert started.config == runtime.config == validate({"kafka": {"brokers": "embedded"}})
    (line,) = said
    assert line["event"] == "changed_settings_left_out"
    assert "routing.low" in str(line["problems"])
