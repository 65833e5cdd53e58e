"""Host names and origins: what is one is read, anything else is refused."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.api.hosts import Host, parse_host, parse_origin

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PORTS = st.none() | st.integers(0, 65535)


@given(NAMES | st.ip_addresses(v=4).map(str), PORTS)
def test_a_name_or_address_is_read_with_its_port(name: str, port: int | None) -> None:
    suffix = "" if port is None else f":{port}"
    assert parse_host(f"{name.upper()}{suffix}") == Host(name, port)
    assert parse_host(f"{name}.{suffix}").name == name


@given(st.ip_addresses(v=6), PORTS)
def test_an_address_in_brackets_is_read(address: ipaddress.IPv6Address, port: int | None) -> None:
    suffix = "" if port is None else f":{port}"
    assert parse_host(f"[{address.exploded}]{suffix}") == Host(str(address), port)


@given(st.text(max_size=40) | st.from_regex(r"\[?[a-z:.@/\[\]%0-9]{0,20}\]?(:[0-9]*)?"))
def test_any_text_is_a_host_or_refused(text: str) -> None:
    try:
        host = parse_host(text)
    except ValueError:
        return
    shown = f"[{host.name}]" if ":" in host.name else host.name
    assert parse_host(shown if host.port is None else f"{shown}:{host.port}") == host
    assert not set(host.name) & set("[]/@?#% \t\r\n\\")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[evil.example]",
        "[::1",
        "::1",
        "[::1%eth0]",
        "[v1.fe80]",
        "localhost:",
        "localhost:99999",
        "localhost:٣",
        "user@localhost",
        "evil.example/localhost",
        "local host",
        "..",
        "-a.example",
        "a..example",
        "\u212aelvin.example",
        "a" * 254,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_host(text)


def test_an_origin_is_read_without_its_usual_port() -> None:
    assert parse_origin("HTTPS://Ops.Example:443") == ("https", Host("ops.example", None))
    assert parse_origin("http://[::1]:8080") == ("http", Host("::1", 8080))
    for text in ("null", "ops.example", "file://", "http://[evil.example]", "https://a/b"):
        with pytest.raises(ValueError, match=r"."):
            parse_origin(text)
