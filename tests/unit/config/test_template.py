"""Templates: what they may do, and that they can neither hang nor grow nor get out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ticketing.config import template, validate
from ticketing.config.template import OUTPUT_CHARS_MAX, BadTemplate, Template
from ticketing.config.template_names import BARE, FULL, NAMES, fault

VALUES: dict[str, Any] = {"text": "a\\b", "items": ["one", "two"], "facts": {"Where": "cart"}}


def rendered(source: str, **values: Any) -> str:
    return Template(source, {*VALUES, *values}).render({**VALUES, **values})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ text|upper }}", "A\\B"),
        ("{{ items|join(', ') }}", "one, two"),
        ("{% for i in items %}{{ loop.index }}{{ i ~ '!' ~ (i ~ '?') }} {% endfor %}",
         "1one!one? 2two!two?"),
        ("{% for k, v in facts.items() %}{{ k }}: {{ v }}{% endfor %}", "Where: cart"),
        ("{% set n = 2 * 3 + 4 %}{{ n % 7 }}", "3"),
        ("{% if 'one' in items and items|length > 1 %}yes{% else %}no{% endif %}", "yes"),
        ("{{ 'x' if text in ['a', 'b'] else 'y' }}", "y"),
        ("{{ items[1:]|first|replace('t', 'T')|indent(2) }}", "Two"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
        ("{{ facts|tojson }}", '{"Where": "cart"}'),
        ("{{ none or '' }}", ""),
    ],
)  # fmt: skip
def test_what_people_need_works(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (
            "{% for a in range(999) %}{% for b in range(999) %}{% endfor %}{% endfor %}",
            "10000 item",
        ),
        ("{{ range(1000000)|join }}", "range must have at most"),
        ("{{ 'a' * 10 }}", "works on numbers only"),
        ("{{ '%9999999999d' % 1 }}", "works on numbers only"),
        ("{{ 2 ** 99999999 }}", "pow is not allowed"),
        ("{{ 999999999999999 * 99 * 99 }}", "makes a number beyond"),
        ("{% set text = text ~ text %}" * 60 + "{{ text }}", "more than 100000 characters"),
        ("{% set text = text + text %}" * 60 + "{{ text }}", "more than 100000 characters"),
        ("{% set text = text|tojson %}" * 60 + "{{ text }}", "more than 100000 characters"),
        ("{% set text = text|replace('a', 'aaaaaaaa') %}" * 20 + "{{ text }}", "characters"),
        ("{% set items = items + items %}" * 60 + "{{ items|join }}", "more than 1000 items"),
        ("{% set text = [text, text] %}", "a list of anything but constants"),
        ("{{ 'a'|center(1000000000) }}", "No filter named 'center'"),
        ("{{ text.format(1) }}", "this call is not allowed"),
        ("{{ text.__class__ }}", "unsafe"),
        ("{{ items.append(1) }}", "this call is not allowed"),
        ("{{ lipsum() }}", "this call is not allowed"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "macro is not allowed"),
        ("{% include 'x' %}", "include is not allowed"),
        ("{% for i in items recursive %}{{ loop(i) }}{% endfor %}", "a recursive loop"),
        ("{% set x %}{{ text }}{% endset %}", "assignblock is not allowed"),
        ("{% filter upper %}x{% endfilter %}", "filterblock is not allowed"),
        ("{{ items }}", "a list can't be shown"),
        ("{{ text", "line 1: unexpected end"),
        ("{{ items[9] }}", "no element 9"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ txet }}", '"txet" is not a name here; did you mean "text"?'),
        ("{{" + "(" * 5000 + "1" + ")" * 5000 + "}}", "recursion"),
        ("x" * 20_001, "longer than 20000 characters"),
    ],
)
def test_what_could_hang_grow_or_get_out_is_refused(source: str, word: str) -> None:
    with pytest.raises(BadTemplate, match=word):
        rendered(source)


def test_what_is_slow_all_the_same_ends_with_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, *[0.0] * 5, *[1.0] * 10_000])
    monkeypatch.setattr(template.time, "thread_time", lambda: next(times))
    with pytest.raises(BadTemplate, match="takes longer than"):
        rendered("{% for i in range(100) %}{{ i }}{% endfor %}")


def test_the_output_is_bounded_and_says_so() -> None:
    text = rendered("{% for i in range(1000) %}{{ text }}{% endfor %}", text="y" * 1000)
    assert len(text) == OUTPUT_CHARS_MAX
    assert text.endswith("…")


def test_control_characters_are_left_out_and_values_are_never_evaluated() -> None:
    assert rendered("{{ text }}\x07\n\tx", text="\x1b[0m{{ 7*7 }}\u202e\x00<b>") == (
        "[0m{{ 7*7 }}<b>\n x"
    )


def test_the_samples_have_every_name() -> None:
    assert FULL.keys() == BARE.keys() == NAMES.keys()


def test_a_template_that_fails_for_a_bare_incident_is_a_fault() -> None:
    assert fault("{{ evidence[0] }}") == (
        "fails for an incident whose optional fields are empty: list object has no element 0"
    )
    assert fault("{{ evidence|first|default('') }}") is None


def test_the_documentation_has_every_name_and_every_filter() -> None:
    page = (Path(__file__).parents[3] / "docs" / "delivery.md").read_text()
    for name, meaning in NAMES.items():
        assert f"| `{name}` | {meaning} |" in page
    listed = page.partition("filters abs")[2].partition(". Macros")[0]
    words = set(re.findall(r"[a-z]+", f"abs{listed}"))
    hidden = {name for name in template._environment.filters if name.startswith("ticketing_")}
    assert words - {"and"} == set(template._environment.filters) - hidden


def test_the_example_of_the_documentation_is_a_good_template() -> None:
    page = (Path(__file__).parents[3] / "docs" / "delivery.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert validate(yaml.safe_load(example)).zammad.body_template
