"""Titles of traces in the forms that loggers and runtimes give them."""

from __future__ import annotations

import pytest

from ticketing.domain.patterns.reading import read

GROUP = r"""  + Exception Group Traceback (most recent call last):
  |   File "/a/b.py", line 3, in <module>
  |     main()
  | ExceptionGroup: several (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/a/b.py", line 1, in c
    |     d()
    | ValueError: bad amount
    +---------------- 2 ----------------
    | TypeError: 3
    +------------------------------------"""
LARAVEL = r"""[2030-01-31 08:00:00] production.ERROR: no answer {"exception":"[object] """ + (
    r"""(App\\Pay\\GatewayDown(code: 0): no answer at /srv/a.php:12)
[stacktrace]
#0 /srv/b.php(3): pay()
#1 {main}
"}"""
)
SYNTAX = """  File "/a/b.py", line 3
    def x(
         ^
SyntaxError: unexpected EOF while parsing"""
DART = """Unhandled exception:
FormatException: bad amount
#0      main (file:///app/main.dart:3:5)"""
SERILOG = r'{"@m":"failed","@x":"System.TimeoutException: late\n   at A.B.C() in /a.cs:line 3"}'


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (GROUP, "ValueError: bad amount"),
        (LARAVEL, r"App\Pay\GatewayDown: no answer"),
        (SYNTAX, "SyntaxError: unexpected EOF while parsing"),
        (DART, "FormatException: bad amount"),
        (SERILOG, "System.TimeoutException: late"),
        ('{"error.message":"no answer","error.type":"Timeout"}', "Timeout: no answer"),
    ],
)
def test_a_title_is_exception_and_message(text: str, title: str) -> None:
    assert read(text).title() == title
