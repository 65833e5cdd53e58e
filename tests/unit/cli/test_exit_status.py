"""Commands end with the status that docs/cli.md promises, and in words."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ticketing import log
from ticketing.cli import main


class Unreachable:
    """A client of a broker that does not answer."""

    def __init__(self, *_: Any) -> None:
        pass

    def list_topics(self, *_: Any, **__: Any) -> Any:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def poll(self, *_: Any) -> int:
        return 0

    def close(self) -> None:
        pass


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command line with these words; its status and what it said on stderr."""

    def run(*words: str, **environ: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["ticketing", *words])
        monkeypatch.setattr(log, "_json", False)  # As at the start of a process.
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as exit_:
            main()
        return int(exit_.value.code or 0), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("topics", "check"),
        ("topics", "create"),
        ("status",),
        ("dead-letters", "list"),
        ("dead-letters", "show", "0-1"),
        ("dead-letters", "redrive", "0-1"),
        ("explain", f"{'0' * 16}-{'1' * 16}"),
        ("replay", __file__),
    ],
    ids=" ".join,
)
def test_a_broker_that_does_not_answer_ends_a_command_in_words(
    words: tuple[str, ...], ended: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.kafka.contact.AdminClient", Unreachable)
    monkeypatch.setattr("ticketing.kafka.contact.COMMAND_SECONDS_MAX", 0.0)
    status, said = ended(*words, TICKETING_KAFKA__BROKERS="127.0.0.1:1")
    assert status == 1
    assert said.endswith(
        "127.0.0.1:1 says nothing): check kafka.brokers and kafka.securityProtocol\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("topics", "check"),
        ("topics", "create"),
        ("topics", "adopt"),
        ("dead-letters", "list"),
        ("dead-letters", "show", "0-1"),
        ("dead-letters", "redrive", "0-1"),
        ("replay", __file__),
    ],
    ids=" ".join,
)
def test_a_command_that_ends_refuses_a_broker_that_ends_with_it(
    words: tuple[str, ...], ended: Any
) -> None:
    status, said = ended(*words)
    assert status == 2
    assert "kafka.brokers: an `embedded` broker starts empty and ends with this command" in said


@pytest.mark.parametrize("word", ["check", "create"])
def test_the_brokers_are_named_before_they_answer(
    word: str, ended: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketing.kafka.contact.AdminClient", Unreachable)
    monkeypatch.setattr("ticketing.kafka.contact.COMMAND_SECONDS_MAX", 0.0)
    _, said = ended("topics", word, TICKETING_KAFKA__BROKERS="127.0.0.1:1")
    assert said.startswith("asking 127.0.0.1:1 ...\n")


def test_a_configuration_that_is_wrong_is_status_2_and_names_the_key(ended: Any) -> None:
    status, said = ended("topics", "check", TICKETING_ANOMALY__MINIMUM_SCORE="high")
    assert status == 2
    assert "anomaly.minimumScore" in said


@pytest.mark.parametrize("words", [("explain", "0-1"), ("dead-letters", "list")], ids=" ".join)
def test_a_broker_that_starts_empty_is_not_asked(words: tuple[str, ...], ended: Any) -> None:
    status, said = ended(*words)
    assert status == 2
    assert "TICKETING_EMBEDDED_BROKERS" in said


def test_an_unknown_option_is_status_2(ended: Any) -> None:
    assert ended("demo", "--speed")[0] == 2


def test_help_is_status_0(ended: Any) -> None:
    assert ended("demo", "--help")[0] == 0
