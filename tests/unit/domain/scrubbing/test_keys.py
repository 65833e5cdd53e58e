"""Values behind keys, in every form that a log line writes them."""

from __future__ import annotations

import pytest

from ticketing.domain.scrubbing.scrub import scrub


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r'password="it\"s hunter2" user=bob', "password=[secret] user=bob"),
        (
            '{"password": {"value": "hunter2", "hint": "x"}, "a": 1}',
            '{"password": [secret], "a": 1}',
        ),
        ('{"password": {"value": "hun}ter2"}, "a": 1}', '{"password": [secret], "a": 1}'),
        (
            '{"secrets": ["a1", "b2"], "token": ["abc", "def"]}',
            '{"secrets": ["a1", "b2"], "token": [secret]}',
        ),
        (r"{\"password\": \"hun\\\"ter2\", \"a\": 1}", r"{\"password\": [secret], \"a\": 1}"),
        (r'"{\"db\": {\"password\": \"hunter2\"}}"', r'"{\"db\": {\"password\": [secret]}}"'),
        ("password='it''s hunter2' user=bob", "password=[secret] user=bob"),
        ("password:\n  value: hunter2\nuser: bob", "password:\n  value: [secret]\nuser: bob"),
        ("password: hunter2\nuser: bob", "password: [secret]\nuser: bob"),
        ("password => hunter2, user => bob", "password => [secret], user => bob"),
        ("password := hunter2", "password := [secret]"),
        ("{password=hunter2, user=bob}", "{password=[secret], user=bob}"),
        ("Login(user=bob, password=hunter2)", "Login(user=bob, password=[secret])"),
        ("?password=a%20b&user=bob", "?password=[secret]&user=bob"),
        ("password=not-so-secret9", "password=[secret]"),
        ("password=[hunter2]", "password=[secret]"),
        ("password=a;b,c&d user=bob", "password=[secret] user=bob"),
        ("DB_PASS=hunter2 ./run", "DB_PASS=[secret] ./run"),
        ("spring.datasource.password = hunter2", "spring.datasource.password = [secret]"),
        ("<password>hunter2</password>", "<password>[secret]</password>"),
        ("<ns:apiKey a='1'>abc</ns:apiKey>", "<ns:apiKey a='1'>[secret]</ns:apiKey>"),
        ('<add key="DbPassword" value="hunter2"/>', '<add key="DbPassword" value="[secret]"/>'),
        ('password="hunter2 and no end', "password=[secret]"),
        ('{"password": {"value": "hunter2', '{"password": [secret]'),
        ('"Authorization": "Bearer abcdef0123456789"', '"Authorization": "[secret]"'),
        ("x-api-key: 9f8e7d6c", "x-api-key: [secret]"),
        ("//registry.example/:_authToken=abcdef123", "//registry.example/:_authToken=[secret]"),
        ("password=pässwörd-ü user=bob", "password=[secret] user=bob"),
        ("password=hunter2" * 2, "password=[secret]"),
    ],
)
def test_a_value_goes_as_a_whole(text: str, shown: str) -> None:
    assert scrub(text) == shown
    assert scrub(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "password: required",
        "password=null&x=1",
        "token: expired",
        "invalid token: unexpected end",
        "secret: not found.",
        "password=**** user=bob",
        "tokens=[]",
        "signature: mismatch",
        "session_id: none",
    ],
)
def test_words_behind_a_key_stay(text: str) -> None:
    assert scrub(text) == text
