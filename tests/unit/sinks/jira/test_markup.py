"""No text of an incident is markup, and none is too long, on Cloud and on Data Center."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.jira import wiki
from sinks.jira.dialect import CLOUD, DATA_CENTER, Dialect
from sinks.text.parts import Text
from sinks.text.utf16 import units
from ticketing.config.template import clean
from ticketing.sandbox.jira.adf import document_problems, text_of

hostile = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
texts = st.builds(
    Text,
    title=hostile,
    summary=hostile,
    summary_by=hostile,
    facts=st.lists(st.tuples(st.just("Label"), hostile), max_size=3),
    evidence=st.lists(hostile, max_size=3),
    links=st.dictionaries(hostile, st.just("https://x.example/1"), max_size=2),
    next_steps=st.lists(hostile, max_size=3),
    notes=st.lists(hostile, max_size=2),
)


@given(texts, st.lists(hostile, max_size=2))
def test_whatever_is_said_is_a_document_that_cloud_takes(text: Text, remarks: list[str]) -> None:
    assert document_problems(CLOUD.ticket(text, remarks)) == []
    assert document_problems(CLOUD.paragraphs(text.summary, remarks)) == []
    assert document_problems(CLOUD.lines([*text.next_steps, *remarks])) == []


@pytest.mark.parametrize("dialect", [CLOUD, DATA_CENTER], ids=lambda one: one.name)
@pytest.mark.parametrize("text", ["x", "🔥", "{", "\\", "line\n"])
def test_the_longest_text_is_cut_visibly(dialect: Dialect, text: str) -> None:
    long = text * 100_000
    told = Text(
        title="t",
        summary=long,
        facts=[("Label", long)] * 15,
        evidence=[long] * 5,
        next_steps=[long] * 10,
        notes=[long] * 10,
    )
    for made in (
        dialect.ticket(told, [long] * 10),
        dialect.paragraphs(long, [long]),
        dialect.lines([long[:500]] * 1000),
    ):
        words = _words(made)
        assert "…" in words
        assert units(words) <= 32_767


def _words(made: Any) -> str:
    return made if isinstance(made, str) else text_of(made)


@pytest.mark.parametrize("dialect", [CLOUD, DATA_CENTER], ids=lambda one: one.name)
@given(told=st.lists(hostile.filter(lambda text: clean(text) and "\n" not in text), min_size=1))
def test_a_comment_says_each_of_its_lines(dialect: Dialect, told: list[str]) -> None:
    body = dialect.lines(told)
    assert all(dialect.says(body, one) for one in told)
    assert not dialect.says(body, "something that nobody wrote")


@pytest.mark.parametrize(
    "text", ["{panel}", "[a|http://evil]", "*b*", "!x.png!", "|cell|", "h{color:red}x", "||head||"]
)
def test_wiki_markup_is_shown_not_obeyed(text: str) -> None:
    unescaped = re.sub(r"\\[^\w\s]", "", wiki.escape(text))
    assert not re.search(r"[{}\[\]|!]", unescaped)
    assert not re.search(r"(?<!\w)\*", unescaped)


def test_evidence_can_not_leave_its_block() -> None:
    made = DATA_CENTER.ticket(Text(title="t", evidence=["a {noformat} {NoFormat} b"]), [])
    assert len(re.findall(r"\{noformat", made, re.IGNORECASE)) == 2
