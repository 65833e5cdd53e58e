"""What a JSON message says is in its pattern, under whatever key it stands and however escaped."""

from __future__ import annotations

import json

import pytest

from ticketing.domain.patterns.pattern import Patterns
from ticketing.domain.patterns.reading import read

FORMS = {
    "container": lambda said: json.dumps({"log": f"{said}\n", "stream": "stderr"}),
    "in two": lambda said: json.dumps({"log": json.dumps({"msg": said}), "stream": "stderr"}),
    "compact": lambda said: json.dumps({"@t": "2030", "@m": said, "@l": "Error"}),
    "errors": lambda said: json.dumps({"errors": [{"detail": said}]}),
    "body": lambda said: json.dumps({"body": said}),
    "cloud": lambda said: json.dumps({"textPayload": said, "severity": "ERROR"}),
    "problem": lambda said: json.dumps({"type": "about:blank", "title": said, "status": 503}),
    "capital": lambda said: json.dumps({"Level": "Error", "Message": said}),
    "journal": lambda said: json.dumps({"MESSAGE": said, "PRIORITY": "3"}),
    "gelf": lambda said: json.dumps({"short_message": said}),
}
SAID = [
    ("gateway 17 down", "gateway 8 down", "disk full"),
    ("订单20931支付失败", "订单7支付失败", "用户登录超时"),
    ("нет места на диске 5", "нет места на диске 71", "нет сети"),
]


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("form", FORMS)
def test_what_json_says_is_in_pattern_and_title(form: str, said: tuple[str, str, str]) -> None:
    patterns, of = Patterns(), FORMS[form]
    one, same, other = (patterns.key(of(text)) for text in said)
    assert one == same
    assert one != other
    assert read(of(said[0])).title() == said[0]


def test_fields_beside_a_message_split_nothing() -> None:
    patterns = Patterns()
    one, other = (
        patterns.of(json.dumps({"msg": "comment refused", "text": text, "title": text}))
        for text in ("hello world", "see you tomorrow")
    )
    assert one == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("failed: '余额不足'", "failed: '登录超时'"),
        ('失败\uff1a"库存不足"', '失败\uff1a"网络中断"'),
        ('ошибка: "нет места"', 'ошибка: "нет сети"'),
    ],
)
def test_quotations_after_a_colon_say_something_in_every_script(one: str, other: str) -> None:
    patterns = Patterns()
    assert patterns.key(one) != patterns.key(other)


def test_names_in_quotations_stay_values() -> None:
    patterns = Patterns()
    assert patterns.key("未找到\uff1a'张三'") == patterns.key("未找到\uff1a'李四'")
    assert patterns.key('не найден: "Иван Петров"') == patterns.key('не найден: "Анна Котова"')
