"""Messages that Slack takes, readers understand, and hostile texts can't bend."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from support import mrkdwn
from support.incidents import ticketed

from sinks.slack import payload
from sinks.slack.settings import Settings
from sinks.text.services import Services
from sinks.text.writer import Writer
from ticketing.config.platforms.slack import Slack
from ticketing.domain.events import Summary
from ticketing.domain.incidents.incident import Status, Step, StepKind, Ticket
from ticketing.domain.severity import Severity
from ticketing.domain.signals import Sample
from ticketing.domain.text import ELLIPSIS
from ticketing.sandbox.slack.blocks import BLOCKS_CHARS_MAX, characters_in, problems_of

WRITER = Writer("slack")


def parent(buttons: bool = False, **changes: Any) -> dict[str, Any]:
    return payload.parent(ticketed(**changes), WRITER, buttons=buttons)


def words(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def block(message: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one for one in message["blocks"] if one["type"] == kind]


def buttons_of(message: dict[str, Any]) -> list[str]:
    return [one["action_id"] for row in block(message, "actions") for one in row["elements"]]


@given(text=st.text(max_size=400), limit=st.integers(1, 300))
def test_escaped_text_fits_and_holds_no_markup(text: str, limit: int) -> None:
    shown = payload.escaped(text, limit)
    assert len(shown) <= limit
    assert "<" not in shown
    assert ">" not in shown
    bare = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in bare, "an entity was cut in half"


MARKS = st.lists(
    st.sampled_from([*"*_~`<>&:!@#a1 ", "```", ":fire:", "&lt;", "<!channel>", "> ", "*b*"]),
    min_size=1,
    max_size=12,
).map(lambda parts: " ".join(f"x{''.join(parts)}x".split()))


@settings(deadline=None, max_examples=60)
@given(MARKS)
def test_what_stands_in_an_incident_is_shown_as_it_is(text: str) -> None:
    message = parent(
        pattern=text,
        samples=[Sample(at=1.0, message=text)],
        summary=Summary(
            incident_id="i", revision=1, generated_by="rules", title="", text=text, steps=[text]
        ),
        timeline=[Step(seq=2, at=1.0, kind=StepKind.COMMENT, text=text)],
        title=text[:40],
    )
    seen = "\n".join(mrkdwn.texts(message["blocks"]))
    assert seen.count(text) >= 4, "a step, the pattern, the summary, the next step"
    assert text in "\n".join(mrkdwn.texts(payload.reply("1-0-1", _told(text))["blocks"]))
    evidence = seen.partition("Evidence")[2]
    assert text.replace(payload.FENCE, "'''") in evidence


def _told(text: str) -> list[Step]:
    return [Step(seq=2, at=1.0, kind=StepKind.COMMENT, text=text)]


def test_cut_text_says_so() -> None:
    assert payload.escaped("x" * 50, 10) == "x" * 9 + "…"
    assert payload.escaped("<" * 50, 10) == "&lt;&lt;…"
    assert payload.escaped("short", 10) == "short"


hostile = st.text(st.characters(exclude_categories=["Cs"]), max_size=4000)


@settings(deadline=None, max_examples=60)
@given(text=hostile, count=st.integers(1, 40), status=st.sampled_from(Status))
def test_whatever_stands_in_an_incident_its_message_keeps_the_limits(
    text: str, count: int, status: Status
) -> None:
    summary = Summary(
        incident_id="i", revision=1, generated_by=text, title=text, text=text, steps=[text] * count
    )
    message = parent(
        buttons=True,
        status=status,
        title=text,
        service=text,
        tenant=text,
        environment=text,
        pattern=text,
        affected_services=[text] * count,
        samples=[Sample(at=1.0, message=text, level=text)] * count,
        summary=summary,
        timeline=[Step(seq=2, at=1.0, kind=StepKind.RESOLVED, by=text, text=text)],
    )
    for one in (message, payload.repeated(message)):
        assert problems_of(one["blocks"]) == []
        assert characters_in(one["blocks"]) <= BLOCKS_CHARS_MAX
        assert 0 < len(one["text"]) <= payload.TEXT_CHARS_MAX


@given(text=hostile, count=st.integers(1, 300))
@settings(deadline=None, max_examples=40)
def test_a_reply_keeps_the_limits(text: str, count: int) -> None:
    told = [Step(seq=n, at=1.0, kind=StepKind.COMMENT, text=text) for n in range(1, count + 1)]
    for one in (payload.reply("1-0-1", told), payload.note(ticketed(), WRITER, told)):
        assert problems_of(one["blocks"]) == []
        assert characters_in(one["blocks"]) <= BLOCKS_CHARS_MAX
        assert 0 < len(one["text"]) <= payload.TEXT_CHARS_MAX


def test_slacks_own_models_take_the_message() -> None:
    for one in Block.parse_all(parent(buttons=True)["blocks"]):
        one.validate_json()


def test_a_reply_that_is_too_long_counts_what_is_missing() -> None:
    told = [Step(seq=n, at=1.0, kind=StepKind.COMMENT, text="y" * 400) for n in range(1, 101)]
    shown = words(payload.reply("1-0-1", told))
    listed = shown.count("Comment at")
    assert f"and {100 - listed} more steps" in shown


def test_nobody_is_mentioned_by_a_log_line() -> None:
    shown = words(parent(title="<!channel> <@U0ADA> & co"))
    assert "<!channel>" not in shown
    assert "&lt;!channel&gt; &lt;@U0ADA&gt; &amp; co" in shown


def test_a_log_line_does_not_end_the_code_block() -> None:
    message = parent(samples=[Sample(at=1.0, message="a ``` *b* ```")])
    (evidence,) = [b for b in block(message, "section") if "```" in str(b.get("text"))]
    assert evidence["text"]["text"].count("```") == 2


def test_a_reader_sees_the_state_and_how_bad_it_is() -> None:
    assert block(parent(), "header")[0]["text"]["text"].startswith("\N{LARGE ORANGE CIRCLE} Open: ")
    worst = parent(severity=Severity.CRITICAL, status=Status.ESCALATED)
    assert "\N{LARGE RED CIRCLE} Escalated" in block(worst, "header")[0]["text"]["text"]
    over = parent(status=Status.RESOLVED)
    assert "\N{WHITE HEAVY CHECK MARK} Resolved" in block(over, "header")[0]["text"]["text"]


def test_who_did_what_last_is_said() -> None:
    steps = [
        Step(seq=1, at=1.0, kind=StepKind.OPENED),
        Step(seq=2, at=2.0, kind=StepKind.ACKNOWLEDGED, by="ada", text="on it"),
        Step(seq=3, at=3.0, kind=StepKind.RECEIPT),
    ]
    assert "Acknowledged by ada" in words(parent(timeline=steps))


def test_there_are_buttons_only_if_somebody_can_tell_who_pressed_them() -> None:
    assert buttons_of(parent(buttons=False)) == []
    assert Settings.of(Slack.model_validate({"signingSecret": "s"})).buttons
    assert not Settings.of(Slack()).buttons


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        (Status.OPEN, ["acknowledge", "escalate", "resolve"]),
        (Status.ACKNOWLEDGED, ["escalate", "resolve"]),
        (Status.ESCALATED, ["acknowledge", "resolve"]),
        (Status.RESOLVED, []),
    ],
)
def test_only_buttons_that_may_be_pressed_are_shown(status: Status, actions: list[str]) -> None:
    assert buttons_of(parent(buttons=True, status=status)) == [f"ticketing_{a}" for a in actions]


def test_other_platforms_tickets_are_linked() -> None:
    tickets = {
        "jira": Ticket(platform="jira", url="https://jira.example/browse/OPS-1?a=1&b=2|x"),
        "slack": Ticket(platform="slack", url="https://slack.example/own"),
        "zammad": Ticket(platform="zammad", url="javascript:alert(1)"),
    }
    shown = words(parent(tickets=tickets))
    assert "<https://jira.example/browse/OPS-1?a=1&amp;b=2%7Cx|jira>" in shown
    assert "own" not in shown
    assert "javascript" not in shown


def linked(links: dict[str, str], buttons: bool) -> dict[str, Any]:
    writer = Writer("slack", console="https://ours.example", services=Services(links=links))
    return payload.parent(ticketed(), writer, buttons=buttons)


def test_an_address_that_is_too_long_costs_no_other_link() -> None:
    links = {"logs": "https://logs.example/?q=" + "x" * 1500, "traces": "https://traces.example"}
    shown = words(linked(links, buttons=False))
    assert "https://traces.example" in shown
    assert "https://ours.example" in shown
    assert "logs.example" not in shown
    assert ELLIPSIS in shown


@pytest.mark.parametrize("number", [1, 22, 23, 40])
def test_links_beyond_the_buttons_stand_in_the_line(number: int) -> None:
    links = {f"link {n}": f"https://{n}.example" for n in range(number)}
    message = linked(links, buttons=True)
    assert not problems_of(message["blocks"])
    for url in links.values():
        assert words(message).count(f"{url}") == 1


def test_a_template_of_ones_own_takes_the_place_of_the_parts() -> None:
    writer = Writer("slack", None, "Only {{ service }}.")
    message = payload.parent(ticketed(), writer, buttons=False)
    assert "Only checkout." in words(message)
    assert "Evidence" not in words(message)


def test_an_escalation_is_shown_to_the_whole_channel() -> None:
    quiet = Step(seq=1, at=1.0, kind=StepKind.ACKNOWLEDGED)
    loud = Step(seq=2, at=1.0, kind=StepKind.ESCALATED)
    assert not payload.reply("1-0-1", [quiet])["reply_broadcast"]
    assert payload.reply("1-0-1", [quiet, loud])["reply_broadcast"]


def test_a_webhook_gets_no_metadata() -> None:
    assert set(payload.for_webhook(parent())) == {"text", "blocks", "unfurl_links", "unfurl_media"}


@pytest.mark.parametrize(
    ("incident", "channel"),
    [
        ({"service": "checkout"}, "C0PAYMENTS"),
        ({"service": "cart", "tenant": "acme"}, "#acme"),
        ({"service": "cart", "tenant": "x", "severity": Severity.CRITICAL}, "C0PAGES00"),
        ({"service": "cart", "tenant": "x", "severity": Severity.LOW}, "#rest"),
    ],
)
def test_the_channel_is_chosen(incident: dict[str, Any], channel: str) -> None:
    config = Slack.model_validate(
        {
            "channel": "#rest",
            "channels": {
                "services": {"checkout": "C0PAYMENTS"},
                "tenants": {"acme": "#acme"},
                "severities": {"critical": "C0PAGES00"},
            },
        }
    )
    chosen = Settings.of(config).channel_for(ticketed(**{"tenant": "x", **incident}))
    assert chosen == channel


def test_a_message_without_blocks_is_not_parsed_for_addresses_and_names() -> None:
    message = parent()
    assert payload.bare(message)["parse"] == "none"
    assert payload.bare(payload.for_update(message))["parse"] == "none"
