"""Whatever stands in an incident, every platform takes it: shortened visibly, never refused."""

from __future__ import annotations

import pytest
from support.contract import Desk

from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Failure, Status
from ticketing.domain.signals import Sample

LONG = 100_000
HOSTILE = {
    "control": "a\x00b\x1b[31mc\r\nd\te\x7f\u0085f\u2028g\ufeffh\ufffei",
    "markup": "<!channel> <script>alert(1)</script> {{7*7}} {% raw %} *b* _i_ `c` |t| [a](b) {panic}",
    "entities": "&amp; &lt; <@U0> <https://evil.example|here> ]]> -- ' \" \\ ^ % $ ` ;",
    "unicode": "é 漢字 🔥👩‍👩‍👧 \u202eright to left\u202c \u200b\U0001d518\U0001d52b ñ",
    "long": "x" * LONG,
    "long-words": "lorem ipsum " * (LONG // 12),
    "long-wide": "🔥" * LONG,
    "long-escaped": "<&>" * (LONG // 3),
    "long-lines": "line\n" * (LONG // 5),
    "blank": " \t\n ",
    "empty": "",
}


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_taken_in_every_place(desk: Desk, text: str) -> None:
    hostile = HOSTILE[text]
    story, now = desk.story, desk.life.clock.now
    story.changed(
        tenant=hostile,
        service=hostile,
        environment=hostile,
        pattern=hostile,
        title=hostile,
        endpoints=[hostile] * 2,
        affected_services=[hostile] * 2,
        trace_ids=[hostile] * 2,
        samples=[Sample(at=now, message=hostile, level=hostile) for _ in range(2)],
        summary=Summary(
            incident_id=story.incident.id,
            revision=1,
            generated_by=hostile or "rules",
            title=hostile,
            text=hostile,
            root_cause=hostile,
            impact=hostile,
            steps=[hostile] * 2,
            tags=[hostile] * 2,
        ),
    )
    await desk.life.want(story.opened(), 60)
    await desk.life.want(story.raised(), 60)
    await desk.life.want(story.commented(hostile, by=hostile), 600)
    await desk.life.want(story.acknowledged(by=hostile, note=hostile), 600)
    await desk.life.want(story.escalated(hostile, hostile, by=hostile, note=hostile), 600)
    await desk.life.want(story.resolved(by=hostile, note=hostile), 600)
    desk.is_true(Status.RESOLVED, pages=1)
    if text.startswith("long"):
        assert "…" in desk.texts()


async def test_a_timeline_of_a_thousand_steps_is_told(desk: Desk) -> None:
    await desk.life.want(desk.story.opened(), 60)
    for number in range(1000):
        desk.story.commented(f"step {number} " + "y" * 200)
    await desk.life.want(desk.story.resolved(), 7200)
    desk.is_true(Status.RESOLVED)


@pytest.mark.parametrize("at", [0.0, 1e12, -1e12, float(2**53)])
async def test_impossible_times_are_taken(desk: Desk, at: float) -> None:
    desk.story.changed(first_seen=at, last_seen=at, samples=[Sample(at=at, message="odd")])
    await desk.life.want(desk.story.opened(), 60)
    desk.is_true(Status.OPEN)


async def test_a_ticket_that_somebody_else_did_not_take_says_so(desk: Desk) -> None:
    words = "another platform did not take it within 60 s"
    failure = Failure(
        platform="another", reason="not_in_time", text=words, at=desk.story.incident.opened_at
    )
    await desk.life.want(desk.story.changed(failures=[failure]), 60)
    desk.is_true(Status.OPEN)
    assert words in desk.texts()
