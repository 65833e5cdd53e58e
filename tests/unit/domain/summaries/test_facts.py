"""The facts of an incident: stable names, labels and texts for people."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.incidents import incident

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Incident, Kind, Status
from ticketing.domain.summaries import facts
from ticketing.domain.summaries.facts import facts_of
from ticketing.llm.prompt import Prompts
from ticketing.view.document import detail_document

INCIDENT = incident("aa", service="orders", environment="prod", count=1234, max_score=0.987)


def texts(incident: Incident) -> dict[str, str]:
    return {fact.name: fact.text for fact in facts_of(incident)}


def test_a_fact_without_a_text_is_left_out() -> None:
    found = texts(INCIDENT)
    assert found["count"] == "1,234 anomalies, highest score 0.99"
    assert found["where"] == "orders, in prod"
    assert "stands_for" not in found
    assert "linked" not in found
    assert "stands_for" in texts(replace(INCIDENT, kind=Kind.OVERFLOW))


def test_one_anomaly_is_not_counted_as_several() -> None:
    assert texts(replace(INCIDENT, count=1))["count"] == "1 anomaly, highest score 0.99"


def test_names_and_labels_are_unique() -> None:
    found = facts_of(INCIDENT)
    assert len({fact.name for fact in found}) == len({fact.label for fact in found}) == len(found)


def test_hostile_texts_stay_in_one_line() -> None:
    hostile = replace(INCIDENT, service="or\nders", tenant="a\x1b[31mcme", pattern="x\r\ny")
    assert all(fact.text.isprintable() for fact in facts_of(hostile))


def test_words_of_a_model_are_marked_wherever_they_stand() -> None:
    summary = Summary(
        incident_id="aa-0-1", revision=1, generated_by="gpt", title="t", text="x", root_cause="dns"
    )
    assert texts(replace(INCIDENT, summary=summary))["likely_cause"] == "dns (generated)"
    own = replace(summary, generated_by="rules")
    assert texts(replace(INCIDENT, summary=own))["likely_cause"] == "dns"


def test_status_names_escalations_and_reopenings() -> None:
    escalated = replace(
        INCIDENT, status=Status.ESCALATED, escalated_to=["sre"], reopenings=[1.0, 2.0]
    )
    assert texts(escalated)["status"] == "escalated to sre, reopened 2 times"


def test_a_new_fact_reaches_the_document_and_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    known = facts._facts

    def more(incident: Incident) -> list[facts.Fact]:
        return [*known(incident), facts.Fact("region", "Region", "eu-west")]

    monkeypatch.setattr(facts, "_facts", more)
    shown = detail_document(INCIDENT)["facts"]
    assert {"name": "region", "label": "Region", "text": "eu-west"} in shown
    prompt = Prompts(4000, scrub=lambda text: text).write(INCIDENT)
    assert 'Region: "eu-west"' in prompt.messages[1]["content"]
    assert 'Status: "open' not in prompt.messages[1]["content"], "it has a place of its own"
