"""No text of an incident is markup, and none is too long, on Cloud and on Data Center."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import wiki as wiki_as_shown

from sinks.jira import wiki
from sinks.jira.dialect import CLOUD, DATA_CENTER, Dialect
from sinks.text.parts import Text
from sinks.text.utf16 import units
from ticketing.config.template import clean
from ticketing.sandbox.jira.adf import document_problems, text_of

# Private characters are those that `support.wiki` puts in place of plain ones.
hostile = st.text(st.characters(exclude_categories=["Cs", "Co"]), max_size=60)
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


MARKS = st.sampled_from(
    [*"\\[]{}|!*_+^~?#-().:;&", "(x)", "(/)", ":)", ":P", "h1. ", "bq. ", "\n", " ", "a", "&#92;"]
)
marked = st.one_of(hostile, st.lists(MARKS, max_size=12).map("".join))


@given(marked)
@example("C:\\apps\\shop")
@example("\\\\server\\share")
@example("f(x) (/) :) ;) (*r) :(")
@example("h1. not a heading\nbq. not a quote\n* no bullet\n---- no rule")
@example("&#92; &amp; &lt;b&gt; &x")
@example("{panel} [a|http://evil] *b* !x.png! |cell| h{color:red}x ||head|| a -- b")
@example("\\) :\\) __a__ *_-+x+-_*")
def test_wiki_markup_shows_the_text_as_it_is(text: str) -> None:
    assert wiki_as_shown.shown(wiki.escape(text)) == text


@pytest.mark.parametrize("dialect", [CLOUD, DATA_CENTER], ids=lambda one: one.name)
@given(text=marked)
def test_a_comment_shows_its_line_as_it_is(dialect: Dialect, text: str) -> None:
    line = clean(text).replace("\n", " ")
    body = dialect.lines([line])
    shown = wiki_as_shown.shown(body) if isinstance(body, str) else text_of(body)
    assert shown.strip() == (line.strip() or "-")


def test_evidence_can_not_leave_its_block() -> None:
    made = DATA_CENTER.ticket(Text(title="t", evidence=["a {noformat} {NoFormat} b"]), [])
    assert len(re.findall(r"\{noformat", made, re.IGNORECASE)) == 2
