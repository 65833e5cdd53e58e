"""How an app is put together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticketing.config import Config
from ticketing.engine.app import create_app, create_table
from ticketing.errors import Misconfigured


def test_the_app_recovers_its_tables_from_their_changelogs(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path)
    app = create_app("an-app", config, batched=["in"], brokers="localhost:1", partitions=4)
    table = create_table(app, "things", 4)
    assert app.tables.changelog_topics == {"an-app-things-changelog"}
    assert table.changelog_topic_name == "an-app-things-changelog"


def test_an_app_fetches_as_much_at_once_as_is_configured(tmp_path: Path) -> None:
    config = Config.model_validate(
        {"dataDir": str(tmp_path), "kafka": {"messageMaxBytes": 400_000}}
    )
    app = create_app("an-app", config, batched=["in"], brokers="localhost:1", partitions=4)
    assert app.conf.consumer_max_fetch_size == 400_000


def test_a_directory_that_cannot_be_written_is_named_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_bytes(b"")
    config = Config(data_dir=tmp_path / "in-the-way")
    with pytest.raises(
        Misconfigured, match=r"^dataDir: .*in-the-way/an-app can't be written \(Not a"
    ):
        create_app("an-app", config, batched=["in"], brokers="localhost:1", partitions=4)


def test_a_directory_of_tables_is_closed_to_other_users(tmp_path: Path) -> None:
    (tmp_path / "an-app").mkdir(mode=0o755)
    create_app("an-app", Config(data_dir=tmp_path), batched=[], brokers="a:1", partitions=4)
    assert (tmp_path / "an-app").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("brokers", ["localhost:1", "embedded"])
def test_what_the_producer_repeats_is_dropped_by_the_broker(tmp_path: Path, brokers: str) -> None:
    config = Config.model_validate({"dataDir": str(tmp_path), "kafka": {"brokers": brokers}})
    app = create_app("an-app", config, batched=["in"], brokers="localhost:1", partitions=4)
    settings = {**app.producer._settings_default(), **app.producer._settings_extra()}
    # The embedded broker knows no idempotence.
    assert settings["enable_idempotence"] is (brokers != "embedded")
    assert settings["acks"] in (-1, "all")
    assert settings["retry_backoff_ms"] == 500


@pytest.mark.parametrize(("brokers", "seconds"), [("localhost:1", 0.05), ("embedded", 0.0)])
def test_fetches_of_the_embedded_broker_are_not_spaced(
    tmp_path: Path, brokers: str, seconds: float
) -> None:
    """What is unread there is soon let go."""
    config = Config.model_validate({"dataDir": str(tmp_path), "kafka": {"brokers": brokers}})
    app = create_app(
        "an-app", config, batched=["in"], brokers="localhost:1", partitions=4, pace_seconds=0.05
    )
    assert app.pace_seconds == seconds
