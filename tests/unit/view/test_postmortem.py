"""The post-mortem in Markdown: it tells the story, and no text of a stranger acts in it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from support.incidents import incident, member

from ticketing.domain.events import TicketState
from ticketing.domain.incidents.incident import NamedCause, Step, StepKind, Ticket
from ticketing.domain.signals import Sample
from ticketing.view.document import detail_document
from ticketing.view.postmortem import code, fenced, markdown, prose

ADDRESS = "https://jira.example/browse/OPS-1"
MARKDOWN = MarkdownIt("gfm-like", {"html": True})
"""CommonMark with tables, and addresses that are links without a mark, as code hosts show it."""
HOSTILE = [
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "https://evil.example/login",
    "www.evil.com",
    "@everyone see #1",
    "`` ` ```\n# Heading\n\n| a | b |",
    "```\n</details>\n",
    "a | b\r\n---\r\n",
    "\u202egnp.exe",
    "evil.com/login and bob@evil.com",
    "Setext\n======\n\nAnother\n---",
    "see[^1]\n\n[^1]: https://evil.example",
    "[x]\n\n[x]: https://evil.example 'title'",
    "1. one\n2. two\n\n> quoted\n\n    code",
    "- [x] done\n* * *",
    "~~struck~~ **bold**",
    "a\n| b | c |\n| --- | --- |\n| d | e |",
    "<!-- hidden -->\n<details>\n<a href='https://evil.example'>x</a>",
]
ACTING = (
    *("heading_open", "hr", "blockquote_open", "bullet_list_open", "ordered_list_open"),
    *("list_item_open", "table_open", "tr_open", "td_open", "fence", "code_block"),
    *("strong_open", "s_open", "html_inline", "html_block", "image"),
)
"""What a text could begin. Links are looked at by where they lead; `_so_` is italic and no harm."""
EVIL = st.sampled_from(HOSTILE) | st.text(
    alphabet=st.sampled_from("`~[]()<>!|#*_\\\n\r\t @:/.aw1\u2028\u202e"), max_size=40
)


def story(text: str) -> str:
    """A post-mortem with a text in every place that a stranger can reach."""
    one = incident(
        service=text,
        title=text,
        pattern=text,
        endpoints=[text],
        affected_services=[text],
        alerts=[member(service=text, title=text)],
        samples=[Sample(at=1.0, message=text, level=text)],
        cause=NamedCause(service=text, strength=9.0, at=1.0, reasons=[text]),
        timeline=[Step(seq=1, at=1.0, kind=StepKind.NOTE, by=text, text=text)],
        tickets={
            "jira": Ticket(
                platform="jira",
                state=TicketState.REJECTED,
                key=text,
                url=ADDRESS,
                error=text,
                on_call=text,
            )
        },
    )
    return markdown(detail_document(one))


def tokens_of(text: str) -> list[Token]:
    return [part for block in MARKDOWN.parse(text) for part in [block, *(block.children or [])]]


def acting(tokens: list[Token]) -> dict[str, int]:
    kinds = Counter(token.type for token in tokens)
    return {kind: kinds[kind] for kind in ACTING}


PLAIN = acting(tokens_of(story("plain")))


@given(EVIL)
def test_no_text_of_a_stranger_acts(text: str) -> None:
    tokens = tokens_of(story(text))
    assert acting(tokens) == PLAIN
    assert {token.attrs["href"] for token in tokens if token.type == "link_open"} <= {ADDRESS}
    shown = " ".join(token.content for token in tokens if token.type == "text")
    assert not re.search(r"://|www\.|@|\[\^|[\u202e\r\u2028]", shown)


@pytest.mark.parametrize("text", HOSTILE)
def test_every_hostile_text_is_one_that_would_act(text: str) -> None:
    tokens = tokens_of(f"{text}\n")
    links = [token for token in tokens if token.type == "link_open"]
    assert links or any(acting(tokens).values()) or re.search(r"[@\u202e]|\[", text)


def test_it_tells_the_story() -> None:
    ticket = Ticket(
        platform="pagerduty", state=TicketState.ACKNOWLEDGED, key="Q1", on_call="ada@shop.example"
    )
    one = incident(
        alerts=[member()],
        cause=NamedCause(service="db", strength=9.0, at=1.0, reasons=["errors lead to it"]),
        tickets={"pagerduty": ticket},
        samples=[Sample(at=1.0, message="pool is empty")],
    )
    found = markdown(detail_document(one), "https://console.example/#/incidents/x")
    for said in (
        "Most likely in `db`.",
        "- errors lead to it",
        "- `pagerduty`: acknowledged, `Q1`, on call `ada@shop.example`",
        "pool is empty",
        "[`console`](https://console.example/#/incidents/x)",
    ):
        assert said in found


@pytest.mark.parametrize(
    ("text", "shown"),
    [("1. one", r"1\. one"), ("2)", r"2\)"), ("#", r"\#"), ("1.5% fail", "1.5% fail")],
)
def test_no_sentence_begins_a_list_or_a_heading(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "`a`"), ("a`b", "`` a`b ``"), ("", "`?`"), ("a\nb", "`a b`"), ("a|b", "`a\u00a6b`")],
)
def test_a_code_span_is_one_line_that_its_text_cannot_end(text: str, expected: str) -> None:
    assert code(text) == expected


def test_a_block_is_longer_fenced_than_its_lines() -> None:
    found: Any = fenced(["````", "x"]).split("\n")
    assert found == ["`````text", "````", "x", "`````"]
