"""What a model wrote is marked as such on every platform, and changes nothing but words."""

from __future__ import annotations

from support.contract import Desk

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Status
from ticketing.domain.summaries.facts import GENERATED

MODEL = Summary(
    incident_id="0123456789abcdef-2-41",
    revision=1,
    generated_by="openai/gpt-4",
    title="The gateway is gone",
    text="Nobody can pay at the moment.",
    root_cause="A deployment broke it.",
    impact="Customers leave.",
    steps=["Roll it back"],
)


WRITTEN_ONCE = {"opsgenie-jsm-key"}
"""With this kind of key the platform takes no change of an alert's text."""


async def test_the_first_ticket_tells_the_rules_words_and_the_models_follow_marked(
    desk: Desk,
) -> None:
    await desk.life.want(desk.story.opened(), 60)
    assert "(generated)" not in desk.texts()
    assert "gpt-4" not in desk.texts()
    desk.story.changed(summary=MODEL)
    await desk.life.want(desk.story.raised(), 600)
    desk.is_true(Status.OPEN)
    texts = desk.texts()
    if desk.subject.name in WRITTEN_ONCE:
        assert MODEL.text not in texts
    else:
        marked(texts)


async def test_a_ticket_that_opens_with_a_models_words_marks_them(desk: Desk) -> None:
    desk.story.changed(summary=MODEL)
    await desk.life.want(desk.story.opened(), 60)
    marked(desk.texts())


def marked(texts: str) -> None:
    assert MODEL.text in texts
    assert "AI, openai/gpt-4" in texts
    for said in (MODEL.root_cause, MODEL.impact, MODEL.steps[0]):
        for place in texts.split(said)[1:]:
            assert place.startswith(f" {GENERATED}"), place[:60]
