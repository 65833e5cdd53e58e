"""The stand-in for Slack is as strict as Slack."""

from __future__ import annotations

from typing import Any

import pytest

from ticketing.sandbox.slack.credentials import CHANNEL, WEBHOOK_PATH

ID = "abcdef0123456789-0123456789abcdef"


def metadata(**payload: Any) -> dict[str, Any]:
    return {"event_type": "incident", "event_payload": {"id": ID, **payload}}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def api(call: Any, headers: Any, method: str, **arguments: Any) -> dict[str, Any]:
    answer = await call("POST", f"/slack/api/{method}", arguments, headers=headers["slack"])
    assert answer.status == 200
    return dict(answer.body)


async def post(call: Any, headers: Any, **more: Any) -> dict[str, Any]:
    arguments = {"channel": CHANNEL, "text": "checkout fails", **more}
    return await api(call, headers, "chat.postMessage", **arguments)


async def test_a_message_is_a_ticket_found_by_its_metadata(call: Any, headers: Any) -> None:
    posted = await post(call, headers, metadata=metadata())
    assert posted["ok"]
    assert posted["channel"] == CHANNEL
    (ticket,) = call.sandbox.tickets("slack")
    assert (ticket["correlation"], ticket["key"]) == (ID, posted["ts"])
    history = await api(
        call, headers, "conversations.history", channel=CHANNEL, include_all_metadata=True
    )
    assert history["messages"][0]["metadata"]["event_payload"]["id"] == ID


async def test_history_hides_metadata_unless_asked(call: Any, headers: Any) -> None:
    await post(call, headers, metadata=metadata())
    history = await api(call, headers, "conversations.history", channel=CHANNEL)
    assert "metadata" not in history["messages"][0]


@pytest.mark.parametrize(
    ("headers_", "error"),
    [({}, "not_authed"), ({"Authorization": "Bearer xoxb-wrong"}, "invalid_auth")],
)
async def test_errors_are_answered_with_200(call: Any, headers_: Any, error: str) -> None:
    answer = await call("POST", "/slack/api/auth.test", {}, headers=headers_)
    assert (answer.status, answer.body) == (200, {"ok": False, "error": error})


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"channel": "C0NONE"}, "channel_not_found"),
        ({"channel": "C0ARCHIVED"}, "is_archived"),
        ({"channel": "C0PRIVATE1"}, "not_in_channel"),
        ({"text": ""}, "no_text"),
        ({"thread_ts": "1.000001"}, "thread_not_found"),
        ({"blocks": "nonsense"}, "invalid_blocks_format"),
        ({"blocks": [header("h" * 151)]}, "invalid_blocks"),
        ({"blocks": [section("s" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "unheard"}]}, "invalid_blocks"),
        ({"blocks": ["unheard"]}, "invalid_blocks"),
        ({"blocks": [{"type": "rich_text", "elements": [{"type": "text"}]}]}, "invalid_blocks"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
        ({"blocks": [section("x" * 2800)] * 5}, "msg_blocks_too_long"),
        ({"metadata": {"event_payload": {}}}, "invalid_metadata_format"),
        ({"metadata": metadata(x="y" * 9000)}, "metadata_too_large"),
    ],
)
async def test_a_bad_message_is_refused(call: Any, headers: Any, more: Any, error: str) -> None:
    answer = await post(call, headers, **more)
    assert (answer["ok"], answer["error"]) == (False, error)
    assert call.sandbox.tickets() == []


@pytest.mark.parametrize(
    "button",
    [
        {"text": {"type": "mrkdwn", "text": "Ack"}},
        {"text": {"type": "plain_text", "text": "A" * 76}},
        {"text": {"type": "plain_text", "text": "Ack"}, "value": "v" * 2001},
        {"text": {"type": "plain_text", "text": "Ack"}, "action_id": "a" * 256},
        {"text": {"type": "plain_text", "text": "Ack"}, "style": "loud"},
        {"text": {"type": "plain_text", "text": "Ack"}, "colour": "red"},
    ],
)
async def test_a_bad_button_is_refused(call: Any, headers: Any, button: Any) -> None:
    blocks = [{"type": "actions", "elements": [{"type": "button", **button}]}]
    assert (await post(call, headers, blocks=blocks))["error"] == "invalid_blocks"


async def test_the_refusal_points_at_the_place(call: Any, headers: Any) -> None:
    answer = await post(call, headers, blocks=[section("s" * 3001)])
    assert "/blocks/0/text/text" in answer["response_metadata"]["messages"][0]


async def test_posting_takes_a_channels_name_but_updating_needs_its_id(
    call: Any, headers: Any
) -> None:
    posted = await post(call, headers, channel="#incidents")
    assert posted["channel"] == CHANNEL
    update = {"ts": posted["ts"], "text": "Resolved: checkout fails"}
    by_name = await api(call, headers, "chat.update", channel="#incidents", **update)
    by_id = await api(call, headers, "chat.update", channel=CHANNEL, **update)
    assert (by_name["error"], by_id["ok"]) == ("channel_not_found", True)
    assert call.sandbox.tickets("slack")[0]["state"] == "resolved"


async def test_an_unknown_message_cannot_be_updated(call: Any, headers: Any) -> None:
    answer = await api(call, headers, "chat.update", channel=CHANNEL, ts="1.000001", text="x")
    assert answer["error"] == "message_not_found"


async def test_a_reply_joins_its_parent(call: Any, headers: Any) -> None:
    parent = await post(call, headers)
    reply = await post(call, headers, thread_ts=parent["ts"], text="seen", reply_broadcast=True)
    assert reply["ok"]
    assert reply["ts"] != parent["ts"]
    (ticket,) = call.sandbox.tickets("slack")
    assert ticket["history"][-1]["what"] == "reply to all: seen"
    thread = await api(call, headers, "conversations.replies", channel=CHANNEL, ts=parent["ts"])
    assert [message["text"] for message in thread["messages"]] == ["checkout fails", "seen"]


async def test_arguments_may_come_as_a_form(call: Any, headers: Any) -> None:
    answer = await call(
        "POST",
        "/slack/api/chat.postMessage",
        data={"channel": CHANNEL, "blocks": '[{"type":"divider"}]'},
        headers=headers["slack"],
    )
    assert answer.body["ok"]


async def test_a_webhook_answers_ok_and_no_timestamp(call: Any) -> None:
    answer = await call("POST", f"/slack{WEBHOOK_PATH}", {"text": f"fails [{ID}]"})
    assert (answer.status, answer.body) == (200, "ok")
    assert call.sandbox.tickets("slack")[0]["correlation"] == ID


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/services/T0/B0/wrong", {"text": "x"}, 404, "no_service"),
        (WEBHOOK_PATH, {}, 400, "no_text"),
        (WEBHOOK_PATH, ["x"], 400, "invalid_payload"),
        (WEBHOOK_PATH, {"blocks": [header("h" * 151)]}, 400, "invalid_blocks"),
    ],
)
async def test_a_webhook_refuses_in_plain_text(
    call: Any, path: str, body: Any, status: int, text: str
) -> None:
    answer = await call("POST", f"/slack{path}", body)
    assert (answer.status, answer.body) == (status, text)


async def test_a_deleted_message_has_no_thread(call: Any, headers: Any) -> None:
    parent = await post(call, headers)
    call.sandbox.act("slack", f"{CHANNEL}:{parent['ts']}", "delete")
    reply = await post(call, headers, thread_ts=parent["ts"])
    assert reply["error"] == "thread_not_found"


async def test_after_the_edit_window_a_message_stays(call: Any, headers: Any) -> None:
    posted = await post(call, headers)
    call.sandbox.set_behaviours("slack", edit_window=60)
    place = {"channel": CHANNEL, "ts": posted["ts"], "text": "edited"}
    assert (await api(call, headers, "chat.update", **place))["ok"]
    call.clock.now += 60
    assert (await api(call, headers, "chat.update", **place))["error"] == "edit_window_closed"


async def test_blocks_may_be_refused(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("slack", refuses_blocks=True)
    refused = await post(call, headers, blocks=[section("s")])
    assert refused["error"] == "invalid_blocks"
    assert (await post(call, headers))["ok"]


async def test_a_bot_without_the_scope_reads_no_history(call: Any, headers: Any) -> None:
    call.sandbox.set_behaviours("slack", hides_history=True)
    answer = await api(call, headers, "conversations.history", channel=CHANNEL)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:history")
