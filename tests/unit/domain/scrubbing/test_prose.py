"""Secrets within sentences."""

from __future__ import annotations

import pytest

from ticketing.domain.scrubbing.scrub import scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Password for bob: s3cr3t!x", "Password for bob: [secret]"),
        ("password set to hunter2 by bob", "password set to [secret] by bob"),
        ("Your verification code is 481516", "Your verification code is [secret]"),
        ("password (hunter2) in use", "password ([secret]) in use"),
    ],
)
def test_the_sentence_stays_without_its_secret(text: str, shown: str) -> None:
    assert scrub(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "password was changed 3 days ago",
        "Password for user app is expired",
        "status code 503",
        "password (sha256) is unsupported",
    ],
)
def test_sentences_about_passwords_stay(text: str) -> None:
    assert scrub(text) == text
