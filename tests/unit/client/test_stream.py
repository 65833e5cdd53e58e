"""Events from the bytes of a stream, wherever these are cut."""

from __future__ import annotations

from ticketing.client.stream import Event, Parser

STREAM = (
    'retry: 2000\n\nid: 1-2\nevent: incidents\ndata: {"incidents": [{"title": "zahlt\u00e4: x"}]}\n\n'
    ": still here\n\nevent: reset\ndata: {}\n\n"
).encode()
EVENTS = [
    Event("incidents", {"incidents": [{"title": "zahlt\u00e4: x"}]}, "1-2"),
    Event("reset", {}, None),
]


def test_a_stream_is_read_the_same_in_one_piece_or_byte_by_byte() -> None:
    assert list(Parser().feed(STREAM)) == EVENTS
    parser = Parser()
    pieces = [STREAM[at : at + 1] for at in range(len(STREAM))]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS
