"""A hostile answer of a model is no link, no mention and no page on any platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.contract import Subject, desks_on_a_sandbox
from support.life import Clock

from ticketing.domain.events import Basis
from ticketing.domain.incidents.incident import Status
from ticketing.domain.severity import Severity
from ticketing.domain.summaries.answer import read
from ticketing.llm.summarizer import summary_of

HOSTILE = [
    "https://evil.example/x",
    "ht__tps://evil.example/x",
    "http:/\\evil.example/x",
    "<https://evil.example|the runbook>",
    "[the runbook](https://evil.example)",
    "[the runbook|https://evil.example]",
    "java**script:evil.example",
    "<a href=//evil.example>x</a>",
    "&lt;https&colon;//evil.example&gt;",
    "evil.example/login",
    "bob@evil.example",
    "<!channel> <@U0123> @here [~admin] #evil",
]


@pytest.mark.parametrize("words", HOSTILE)
async def test_an_answer_of_a_model_acts_on_no_platform(
    subject: Subject, clock: Clock, tmp_path: Path, words: str
) -> None:
    record = tmp_path / "requests.jsonl"
    told = json.dumps(
        {
            "title": f"see {words}",
            "summary": f"see {words}",
            "root_cause": words,
            "impact": words,
            "steps": [words],
            "tags": [words],
        }
    )
    async with desks_on_a_sandbox(clock, record) as desks:
        desk = desks.open(subject)
        incident = desk.story.incident
        basis = Basis(severity=Severity.HIGH, count=1, at=clock.now)
        summary = summary_of(incident, read(told), "openai/gpt-4", basis)
        desk.story.changed(summary=summary)
        await desk.life.want(desk.story.opened(), 60)
        desk.is_true(Status.OPEN)
        assert "AI, openai/gpt-4" in desk.texts()
    sent = record.read_text()
    for live in ("evil.example", "<!channel>", "<@U", "[~admin", "javascript:"):
        assert live not in sent
