"""JSON that a platform may send."""

from __future__ import annotations

import pytest

from sinks.calls.decoding import LEVELS_MAX, Undecodable, decoded


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"id": "\xff"}',
        b'{"id": "\\ud800"}',
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * (LEVELS_MAX + 1) + b"]" * (LEVELS_MAX + 1),
        b'{"a":' * (LEVELS_MAX + 1) + b"1" + b"}" * (LEVELS_MAX + 1),
        b"9" * 5_000,
        b"1e999",
    ],
)
def test_what_cannot_be_read_is_one_error(raw: bytes) -> None:
    with pytest.raises(Undecodable):
        decoded(raw)


def test_documents_of_usual_depth_are_read() -> None:
    levels = LEVELS_MAX // 2
    assert decoded(b"[" * levels + b'"text"' + b"]" * levels)
