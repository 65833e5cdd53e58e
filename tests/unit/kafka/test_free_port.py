"""Free ports: one, or several in a row."""

from __future__ import annotations

import socket

import pytest

from ticketing.kafka.free_port import free_port, free_ports, is_free


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        assert not is_free(held.getsockname()[1])


def test_a_row_begins_behind_a_port_that_is_taken() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        taken = held.getsockname()[1]
        first = free_ports(taken - 1, 3)
        assert first > taken
        assert all(is_free(port) for port in range(first, first + 3))


def test_the_wanted_port_is_taken_where_it_is_free() -> None:
    wanted = free_port()
    assert free_ports(wanted) == wanted


def test_no_port_is_left_at_the_end() -> None:
    with pytest.raises(OSError, match="no 10 free ports"):
        free_ports(65_530, 10)
