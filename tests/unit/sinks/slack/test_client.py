"""The bot finds its messages again, and touches nobody else's."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from support.life import Clock, Life
from support.story import Story

from sinks.calls.outcome import Refused
from sinks.platforms import create
from tables.deliveries import Operation, Track
from ticketing.config import Config
from ticketing.domain.severity import Severity
from ticketing.sandbox.credentials import sandbox_config
from ticketing.sandbox.server import Sandbox, start
from ticketing.sandbox.slack import credentials
from ticketing.sandbox.slack.credentials import BOT_TOKEN, CHANNEL

HOUR = 3600.0


class Team:
    """A sandbox, a bot in it, and a colleague who posts too."""

    def __init__(self, sandbox: Sandbox, clock: Clock, **more: Any) -> None:
        self.sandbox = sandbox
        section = {**sandbox_config(sandbox.url)["slack"], "rateLimit": "1000/second", **more}
        self.life = Life(
            create("slack", Config.model_validate({"slack": section}), lambda: None), clock=clock
        )
        self.story = Story(clock)

    async def posts(self, **message: Any) -> None:
        url = f"{self.sandbox.url}/slack/api/chat.postMessage"
        headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(url, json={"channel": CHANNEL, **message}) as answer,
        ):
            assert (await answer.json())["ok"]

    def messages(self) -> list[dict[str, Any]]:
        return [one for one in self.sandbox.tickets("slack") if one["state"] != "deleted"]


@pytest.fixture
async def team() -> AsyncIterator[Any]:
    clock = Clock()
    sandbox = await start(clock=clock)
    teams: list[Team] = []

    def made(**more: Any) -> Team:
        teams.append(Team(sandbox, clock, **more))
        return teams[-1]

    made.url = sandbox.url  # type: ignore[attr-defined]
    yield made
    for one in teams:
        await one.life.close()
    await sandbox.stop()


async def test_a_lost_message_is_found_among_many(team: Any) -> None:
    one = team()
    one.sandbox.set_fault("slack", "timeout_after_accept", count=1)
    one.life.clock.now += 1.0
    await one.life.want(one.story.opened())
    one.sandbox.set_fault("slack", "none")
    for number in range(450):
        await one.posts(text=f"lunch {number}? {one.story.incident.id}")
    await one.life.run(HOUR)
    ours = [m for m in one.messages() if "lunch" not in m["title"]]
    assert len(ours) == 1
    assert Operation.LOOK_UP in one.life.operations


async def test_another_apps_metadata_is_not_taken_for_ours(team: Any) -> None:
    one = team()
    metadata = {"event_type": "deploy", "event_payload": {"id": one.story.incident.id}}
    one.sandbox.set_fault("slack", "down", count=1)
    await one.life.want(one.story.opened())
    await one.posts(text="deployed", metadata=metadata)
    await one.life.run(HOUR)
    assert len(one.messages()) == 2


async def test_a_second_message_of_ours_is_deleted(team: Any) -> None:
    one = team()
    await one.life.want(one.story.opened(), 60.0)
    (first,) = one.messages()
    record = one.sandbox.ticket("slack", first["id"]).record
    await one.posts(text="twin", metadata=record["metadata"])
    await one.posts(text="somebody else's")
    request = dataclasses.replace(
        one.life.platform.requests[-1],
        operation=Operation.DEDUPLICATE,
        have=one.life.delivery(one.story.incident.id).have,
    )
    await one.life.platform.perform(request)
    kept, other = one.messages()
    assert kept["id"] == first["id"]
    assert other["title"] == "somebody else's"


async def test_a_channel_given_by_name_is_kept_by_its_id(team: Any) -> None:
    one = team(channel="#incidents")
    await one.life.want(one.story.opened(), 60.0)
    await one.life.want(one.story.acknowledged(), 60.0)
    delivery = one.life.delivery(one.story.incident.id)
    assert delivery.have.account == CHANNEL
    assert delivery.have.url.startswith("https://")
    assert one.messages()[0]["state"] == "acknowledged"


async def test_a_message_stays_in_its_channel_when_the_choice_changes(team: Any) -> None:
    one = team(channels={"severities": {"critical": "C0SANDBOX2"}})
    await one.life.want(one.story.opened(), 60.0)
    await one.life.want(one.story.raised(Severity.CRITICAL), 60.0)
    (message,) = one.messages()
    assert message["id"].startswith(CHANNEL)
    assert "CRITICAL" in message["title"]


@pytest.mark.parametrize("channel", ["C0PRIVATE1", "C0ARCHIVED", "#nowhere"])
async def test_a_channel_that_cannot_be_written_to_is_said_and_tried_again(
    team: Any, channel: str
) -> None:
    one = team(channel=channel)
    await one.life.want(one.story.opened())
    _, outcome = one.life.platform.outcomes[0]
    assert isinstance(outcome, Refused)
    assert outcome.reason == "credentials"
    assert one.life.delivery(one.story.incident.id).trial(Track.TICKET).passing


@pytest.mark.parametrize("channel", ["C0ARCHIVED", "#nowhere", "C0NONE0000"])
async def test_a_test_of_the_connection_looks_at_the_channels(team: Any, channel: str) -> None:
    tested = await team(channels={"services": {"cart": channel}}).life.platform.test_connection()
    assert not tested.ok
    assert channel in tested.message


async def test_the_thread_tells_each_step_once(team: Any) -> None:
    one = team()
    await one.life.want(one.story.opened(), 60.0)
    await one.life.want(one.story.acknowledged(note="on it"), 60.0)
    await one.life.want(one.story.escalated(note="worse"), 60.0)
    await one.life.want(one.story.resolved(note="fixed"), 60.0)
    (message,) = one.messages()
    replies = one.sandbox.ticket("slack", message["id"]).record["replies"]
    told = "\n".join(reply["text"] for reply in replies)
    assert [told.count(note) for note in ("on it", "worse", "fixed")] == [1, 1, 1]
    assert [reply.get("subtype") == "thread_broadcast" for reply in replies] == [False, True, False]


# Messages that can't be edited


def replies(team: Team) -> list[dict[str, Any]]:
    (message,) = team.messages()
    ticket = team.sandbox.ticket("slack", message["id"])
    assert ticket is not None
    found: list[dict[str, Any]] = ticket.record["replies"]
    return found


def turns(team: Team) -> list[str]:
    return [
        one["text"].partition(":")[0]
        for one in replies(team)
        if one["metadata"]["event_type"] == "ticketing_turn"
    ]


def left_out(team: Team) -> set[str]:
    return {
        sentence
        for _, outcome in team.life.platform.outcomes
        for sentence in getattr(outcome, "left_out", ())
    }


async def test_after_the_edit_window_people_hear_in_the_channel(team: Any) -> None:
    one = team()
    await one.life.want(one.story.opened(), 600)
    one.sandbox.set_behaviours("slack", edit_window=300)
    await one.life.want(one.story.raised(), 600)
    await one.life.want(one.story.acknowledged(), 600)
    await one.life.want(one.story.counted(), HOUR)
    await one.life.want(one.story.resolved(), 600)
    assert turns(one) == ["Open", "Acknowledged", "Resolved"]
    assert all(
        reply["subtype"] == "thread_broadcast"
        for reply in replies(one)
        if reply["metadata"]["event_type"] == "ticketing_turn"
    )
    assert "rolled back" in str(replies(one))
    assert left_out(one) == {"message: Slack does not let it be edited (edit_window_closed)"}
    assert not one.life.dead_letters


async def test_a_turn_of_unknown_outcome_is_told_once(team: Any) -> None:
    one = team()
    await one.life.want(one.story.opened(), 600)
    one.sandbox.set_behaviours("slack", edit_window=300)
    one.sandbox.set_fault("slack", "timeout_after_accept", path="chat.postMessage", count=1)
    await one.life.want(one.story.resolved(), HOUR)
    assert turns(one) == ["Resolved"]


@pytest.mark.parametrize("webhook", [False, True], ids=["bot", "webhook"])
async def test_a_message_whose_blocks_are_refused_goes_out_as_text(
    team: Any, webhook: bool
) -> None:
    url = {"webhookUrl": credentials.webhook_url(team.url), "botToken": None, "channel": None}
    one = team(**url) if webhook else team()
    one.sandbox.set_behaviours("slack", refuses_blocks=True)
    await one.life.want(one.story.opened(), 60)
    (message,) = one.messages()
    ticket = one.sandbox.ticket("slack", message["id"])
    assert "blocks" not in ticket.record
    assert "payment 17 timed out" in ticket.record["text"]
    assert any(sentence.startswith("blocks: Slack refused them") for sentence in left_out(one))
    assert not one.life.dead_letters


async def test_a_history_that_is_hidden_is_told_and_no_fault(team: Any) -> None:
    one = team()
    one.sandbox.set_behaviours("slack", hides_history=True)
    tested = await one.life.platform.test_connection()
    assert tested.ok
    assert "a lost message is posted again, marked" in tested.message
    assert "channels:history" in tested.message


async def test_a_search_that_fails_is_named(team: Any) -> None:
    one = team()
    one.sandbox.set_fault("slack", "malformed", path="conversations.history")
    tested = await one.life.platform.test_connection()
    assert not tested.ok
    assert "slack.channel: " in tested.message


def replies_of(one: Any) -> list[dict[str, Any]]:
    """The replies in the thread of the incident's message."""
    shown = one.sandbox.ticket("slack", one.messages()[0]["id"])
    found: list[dict[str, Any]] = shown.record["replies"]
    return found


def told(one: Any, words: str) -> int:
    """How many replies have the words."""
    return sum(words in reply["text"] for reply in replies_of(one))


LOST: dict[str, dict[str, Any]] = {
    "refused": {"mode": "server_error", "status": 502},
    "accepted": {"mode": "server_error", "status": 502, "after_accept": True},
    "silent": {"mode": "timeout_after_accept"},
}
"""A reply of which nobody knows whether it stands in the thread."""


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("between", [0.0, 30.0])
async def test_a_lost_page_rings_though_a_comment_told_its_steps(
    team: Any, lost: str, between: float
) -> None:
    """A quiet reply with the words of a page pages nobody."""
    one = team()
    await one.life.want(one.story.opened(), 60)
    await one.life.want(one.story.acknowledged(), 60)
    one.sandbox.set_fault("slack", count=1, path="chat.postMessage", **LOST[lost])
    await one.life.want(one.story.paged("THE PAGE"), between)
    await one.life.want(one.story.commented("THE COMMENT"), HOUR)
    loud = [reply for reply in replies_of(one) if reply.get("subtype") == "thread_broadcast"]
    assert len(loud) == 1
    assert told(one, "THE COMMENT") == 1
    assert told(one, "THE PAGE") == 1 or "Paged again" in loud[0]["text"]


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_comment_is_not_told_again_by_a_page(team: Any, lost: str) -> None:
    one = team()
    await one.life.want(one.story.opened(), 60)
    await one.life.want(one.story.acknowledged(), 60)
    one.sandbox.set_fault("slack", count=1, path="chat.postMessage", **LOST[lost])
    await one.life.want(one.story.commented("THE COMMENT"))
    await one.life.want(one.story.paged("THE PAGE"), HOUR)
    assert told(one, "THE COMMENT") == 1
    assert told(one, "THE PAGE") == 1
    assert len([r for r in replies_of(one) if r.get("subtype") == "thread_broadcast"]) == 1


async def test_a_lost_reply_in_a_hidden_history_is_told_again_and_marked(team: Any) -> None:
    one = team()
    one.sandbox.set_behaviours("slack", hides_history=True)
    await one.life.want(one.story.opened(), 60)
    one.sandbox.set_fault("slack", count=1, path="chat.postMessage", **LOST["refused"])
    await one.life.want(one.story.commented("THE COMMENT"), HOUR)
    assert told(one, "THE COMMENT") == 1
    assert "repeat" in replies_of(one)[-1]["text"]
    assert not one.life.dead_letters
