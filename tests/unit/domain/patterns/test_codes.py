"""The codes that name a fault are part of its key; codes of success, and other numbers, are not."""

from __future__ import annotations

import json

import pytest

from ticketing.cli.pattern import describe
from ticketing.domain.patterns.codes import codes_of
from ticketing.domain.patterns.pattern import Patterns


def fingerprint_of(text: str) -> str:
    return describe(json.dumps({"service": "a", "message": text}))["fingerprint"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("HTTP 503 from upstream", "http 5xx"),
        ("HTTP/1.1 404 while reading", "http 4xx"),
        ('"GET /a HTTP/1.1" 503 12', "http 5xx"),
        ('"GET /a HTTP/1.1" 200 500', ""),
        ("status=502", "http 5xx"),
        ("status code: 429, retry", "http 4xx"),
        ('{"statusCode": 502}', "http 5xx"),
        ("upstream responded with 503", "http 5xx"),
        ("got 503 from billing", "http 5xx"),
        ("503 Service Unavailable", "http 5xx"),
        ("status 200", ""),
        ("took 503 ms", ""),
        ("received 404 rows", ""),
        ("order 404 is lost", ""),
        ("exit code 137", "exit 137"),
        ("exited with code 1", "exit 1"),
        ("exited with 2", "exit 2"),
        ("returned non-zero exit status 4", "exit 4"),
        ('{"exitCode":9}', "exit 9"),
        ("exit code 0", ""),
        ("Exited (137) 5 seconds ago", "exit 137"),
        ("exit code 0xC0000005", "exit 0xC0000005"),
        ("exit code: 0x0", ""),
        ("killed by signal 11", "signal 11"),
        ("errno=28", "errno 28"),
        ("[Errno 111] Connection refused", "errno 111"),
        ("(os error 2)", "errno 2"),
        ('{"code":"E1001"}', "code E1001"),
        ("error code: 1045", "code 1045"),
        ("coupon code: XK4421", ""),
        ("HTTP 500, errno 5, exit code 3", "http 5xx, exit 3, errno 5"),
    ],
)
def test_codes_are_found(text: str, codes: str) -> None:
    assert codes_of(text) == codes


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("HTTP 503 from upstream", "HTTP 404 from upstream"),
        ("exit code 137", "exit code 1"),
        ("errno=28", "errno=111"),
        ('{"code":"E1001"}', '{"code":"E2002"}'),
    ],
)
def test_codes_part_keys_and_no_patterns(left: str, right: str) -> None:
    patterns = Patterns()
    assert patterns.key(left) != patterns.key(right)
    assert patterns.of(left) == patterns.of(right) == patterns.key(left).pattern
    assert fingerprint_of(left) != fingerprint_of(right)


def test_codes_are_shown_beside_the_pattern() -> None:
    shown = Patterns().key("worker ended with exit code 137").shown()
    assert shown == "worker ended with exit code <*> [exit 137]"


def test_a_class_of_codes_is_one_key() -> None:
    patterns = Patterns()
    assert patterns.key("HTTP 503 from upstream") == patterns.key("HTTP 500 from upstream")


def test_the_code_of_an_exception_is_part_of_its_key() -> None:
    text = 'Traceback (most recent call last):\n  File "/a/b.py", line 1, in c\n    d()\n'
    patterns = Patterns()
    full, denied = (text + f"OSError: [Errno {errno}] cannot write '/data/x'" for errno in (28, 13))
    assert patterns.key(full).codes == "errno 28"
    assert patterns.key(full).pattern == patterns.key(denied).pattern
    assert patterns.key(full) != patterns.key(denied)
