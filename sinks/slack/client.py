"""The Slack sink: a bot with a message and a thread per incident, or an incoming webhook.

A bot's message is found again by its metadata. A webhook returns nothing about its messages, so that
every change is a new message, and a possible repeat says so.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from sinks.calls.http import Http, HttpFactory
from sinks.calls.outcome import Absent, Delivered, Failed, Outcome, Reason, Refused, Unknown
from sinks.calls.references import reference
from sinks.platform import ALL_OPERATIONS, STATUS_STEPS, Connection, Repeat, Request, Sink, Traits
from sinks.slack import answers, payload
from sinks.slack.settings import Settings
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, Step, StepKind

NAME = "slack"
PAGE_MESSAGES = 200
"""One page holds a quiet channel's messages since the incident; Slack may give shorter pages."""
PAGES_MAX = 25
"""At most 5,000 messages or channels; bounds a search in a busy channel."""
CLOCKS_DIFFER_SECONDS_MAX = 300.0
"""The same five minutes for which Slack's signatures are valid."""
CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{8,}")


class Api:
    """Methods of the Web API; each raises Failed."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._url = settings.api_url
        self._http = http
        self._headers = {"Authorization": f"Bearer {settings.bot_token}"}

    async def call(self, method: str, account: str = "", **arguments: Any) -> dict[str, Any]:
        """Call a method with JSON arguments; returns an answer that is ok."""
        answer = await self._http.call(
            "POST",
            f"{self._url}/{method}",
            body=arguments,
            headers=self._headers,
            account=account,
        )
        return self._checked(answer.data, arguments)

    async def read(self, method: str, **arguments: str) -> dict[str, Any]:
        """Call a method that takes its arguments from the query and changes nothing.

        Slack limits such calls by method, and messages by channel.
        """
        answer = await self._http.call(
            "GET",
            f"{self._url}/{method}",
            params=arguments,
            headers=self._headers,
            account=method,
        )
        return self._checked(answer.data, arguments)

    async def pages(
        self, method: str, rows: str, **arguments: str
    ) -> AsyncIterator[dict[str, Any]]:
        """The rows of a listing; raises Failed if there are too many pages."""
        cursor = ""
        for _ in range(PAGES_MAX):
            more = {"cursor": cursor} if cursor else {}
            answer = await self.read(method, **arguments, **more)
            found = answer.get(rows)
            if not isinstance(found, list):
                raise Failed(Unknown(Reason.MALFORMED, True, None, f"the answer has no {rows}"))
            for row in found:
                if isinstance(row, dict):
                    yield row
            cursor = _text(answer.get("response_metadata"), "next_cursor")
            if not cursor:
                return
        raise Failed(Refused(Reason.INVALID, f"{method}: more than {PAGES_MAX} pages to search"))

    def _checked(self, data: Any, arguments: Any) -> dict[str, Any]:
        failure = answers.failure(data, self._http.quote(msgspec.json.encode(arguments)))
        if failure is not None:
            raise Failed(failure)
        checked: dict[str, Any] = data
        return checked


class SlackBot:
    """A message per incident, edited as it changes, with a thread of its steps."""

    name = NAME

    def __init__(self, settings: Settings, http: Http, writer: Writer) -> None:
        self._settings = settings
        self._http = http
        self._api = Api(settings, http)
        self._writer = writer
        self._channel_ids: dict[str, str] = {}
        self.traits = Traits(
            repeat=Repeat.AFTER_LOOK_UP,
            updates=frozenset({Why.SEVERITY, Why.TITLE, Why.LINKS, Why.SUMMARY, Why.COUNT}),
            operations=ALL_OPERATIONS | {Operation.PAGE},
            pages=frozenset({Operation.CREATE, Operation.PAGE}),
            steps=STATUS_STEPS,
            whole=True,
            search_lag=2.0,
        )

    def account(self, want: Incident) -> str:
        """The channel for a new message."""
        return self._settings.channel_for(want)

    async def perform(self, request: Request) -> Outcome:
        """Post, edit, reply or search; safe to repeat, as an `uncertain` reply is looked for."""
        if request.operation is Operation.LOOK_UP:
            return await self._look_up(request)
        if request.have is None:
            return await self._post(request)
        if request.operation in (Operation.COMMENT, Operation.PAGE):
            return await self._reply(request)
        if request.operation is Operation.DEDUPLICATE:
            return await self._deduplicate(request)
        return await self._edit(request)

    async def _post(self, request: Request) -> Outcome:
        message = self._message(request.want)
        if request.uncertain:
            message = payload.repeated(message)
        answer = await self._api.call(
            "chat.postMessage", request.account, channel=request.account, **message
        )
        channel, ts = _text(answer, "channel"), _text(answer, "ts")
        if not channel or not ts:
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer names no message"))
        return await self._delivered(channel, ts)

    async def _edit(self, request: Request) -> Outcome:
        channel, ts = _place(request)
        message = payload.for_update(self._message(request.want))
        await self._api.call("chat.update", channel, channel=channel, ts=ts, **message)
        assert request.have is not None
        return Delivered() if request.have.url else await self._delivered(channel, ts)

    async def _reply(self, request: Request) -> Outcome:
        channel, ts = _place(request)
        told = request.steps
        if request.uncertain:
            through = await self._replied_through(request, channel, ts)
            told = [step for step in told if step.seq > through]
        elif not told and request.operation is Operation.PAGE:
            last, want = request.want.timeline[-1:], request.want
            seq = last[0].seq if last else 0
            told = [Step(seq=seq, at=want.paged_at, kind=StepKind.REPAGED)]
        if told:
            loud = request.operation is Operation.PAGE
            message = payload.reply(request.incident_id, told, loud=loud)
            await self._api.call(
                "chat.postMessage", channel, channel=channel, thread_ts=ts, **message
            )
        return Delivered()

    async def _replied_through(self, request: Request, channel: str, ts: str) -> int:
        """The last step in the thread, by the metadata of our replies."""
        replies = self._api.pages(
            "conversations.replies",
            "messages",
            channel=channel,
            ts=ts,
            limit=str(PAGE_MESSAGES),
            include_all_metadata="true",
        )
        found = [
            _ours(message, payload.STEPS_EVENT, request.incident_id) async for message in replies
        ]
        through = [one.get("through") for one in found if one is not None]
        return max((seq for seq in through if isinstance(seq, int)), default=0)

    async def _look_up(self, request: Request) -> Outcome:
        channel = await self._channel_id(request.account)
        found = await self._found(request, channel)
        return await self._delivered(channel, found[0]) if found else Absent()

    async def _deduplicate(self, request: Request) -> Outcome:
        channel, kept = _place(request)
        for ts in await self._found(request, channel):
            if ts != kept:
                await self._api.call("chat.delete", channel, channel=channel, ts=ts)
        return Delivered()

    async def _found(self, request: Request, channel: str) -> list[str]:
        """The incident's messages in a channel, oldest first."""
        since = max(0.0, request.want.opened_at - CLOCKS_DIFFER_SECONDS_MAX)
        history = self._api.pages(
            "conversations.history",
            "messages",
            channel=channel,
            oldest=f"{since:.6f}",
            limit=str(PAGE_MESSAGES),
            include_all_metadata="true",
        )
        return sorted(
            [
                _text(message, "ts")
                async for message in history
                if _ours(message, payload.INCIDENT_EVENT, request.incident_id) is not None
            ]
        )

    async def _channel_id(self, channel: str) -> str:
        """A channel's id, which the search needs."""
        if CHANNEL_ID.fullmatch(channel):
            return channel
        if channel not in self._channel_ids:
            wanted = channel.removeprefix("#")
            listed = self._api.pages(
                "conversations.list",
                "channels",
                limit=str(PAGE_MESSAGES),
                types="public_channel,private_channel",
                exclude_archived="true",
            )
            async for one in listed:
                if one.get("name") == wanted:
                    self._channel_ids[channel] = _text(one, "id")
                    break
            else:
                raise Failed(Refused(Reason.NOT_FOUND, f"there is no channel {channel}"))
        return self._channel_ids[channel]

    async def _delivered(self, channel: str, ts: str) -> Delivered:
        """The receipt of a message, without an address if the request for the address fails."""
        try:
            answer = await self._api.read("chat.getPermalink", channel=channel, message_ts=ts)
            url = _text(answer, "permalink")
        except Failed:
            url = ""
        return Delivered(external_id=f"{channel}:{ts}", key=ts, url=url, account=channel)

    def _message(self, want: Incident) -> dict[str, Any]:
        return payload.parent(want, self._writer, buttons=self._settings.buttons)

    async def test_connection(self) -> Connection:
        """Check the token and the channels, without a post."""
        try:
            who = await self._api.read("auth.test")
        except Failed as failed:
            return Connection(ok=False, message=f"slack.botToken: {failed}")
        for channel in self._settings.channel_names():
            problem = await self._problem_of(channel)
            if problem:
                return Connection(ok=False, message=problem)
        team = _text(who, "team") or "Slack"
        return Connection(
            ok=True, message=f"connected to {team} as {_text(who, 'user') or 'a bot'}"
        )

    async def _problem_of(self, channel: str) -> str:
        try:
            channel_id = await self._channel_id(channel)
            answer = await self._api.read("conversations.info", channel=channel_id)
        except Failed as failed:
            if "missing_scope" in str(failed):
                # Posting needs no right to read channels; only the look-up does.
                return ""
            return f"slack.channel: {channel}: {failed}"
        info = answer.get("channel")
        if isinstance(info, dict) and info.get("is_archived"):
            return f"slack.channel: {channel} is archived"
        if isinstance(info, dict) and info.get("is_private") and info.get("is_member") is False:
            return f"slack.channel: {channel}: invite the bot to it"
        return ""

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


class SlackWebhook:
    """A message for every change, since a webhook can't edit, reply or search."""

    name = NAME

    def __init__(self, settings: Settings, http: Http, writer: Writer) -> None:
        self._settings = settings
        self._http = http
        self._writer = writer
        self._account = reference(settings.webhook_url)
        self.traits = Traits(
            repeat=Repeat.MARKED,
            steps=frozenset({StepKind.COMMENT, StepKind.REPAGED}),
            whole=True,
        )

    def account(self, want: Incident) -> str:
        """The webhook's address, as a reference."""
        return self._account

    async def perform(self, request: Request) -> Outcome:
        """Post a message about the change; after an unknown outcome, as a possible repeat."""
        if request.operation in (Operation.LOOK_UP, Operation.DEDUPLICATE):
            return Absent()
        message = self._message(request)
        if message is None:
            return Delivered()
        if request.uncertain:
            message = payload.repeated(message)
        try:
            answer = await self._http.call(
                "POST",
                self._settings.webhook_url,
                body=payload.for_webhook(message),
                text=True,
                account=self._account,
            )
        except Failed as failed:
            raise answers.refused_webhook(failed) from failed
        if answer.body.strip() != b"ok":
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not ok"))
        return Delivered(external_id=request.incident_id, account=self._account)

    def _message(self, request: Request) -> dict[str, Any] | None:
        if request.operation is not Operation.COMMENT:
            return payload.parent(request.want, self._writer, buttons=self._settings.buttons)
        told = request.steps
        return payload.note(request.want, self._writer, told) if told else None

    async def test_connection(self) -> Connection:
        """Check that the address refuses an empty message as Slack does, without a post."""
        try:
            await self._http.call("POST", self._settings.webhook_url, body={}, text=True)
        except Failed as failed:
            if failed.outcome.reason is Reason.INVALID:
                return Connection(
                    ok=True, message="the webhook answers; only a message would check its channel"
                )
            return Connection(ok=False, message=f"slack.webhookUrl: {failed}")
        return Connection(
            ok=False,
            message="slack.webhookUrl accepts invalid messages too: it is not Slack's address",
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _place(request: Request) -> tuple[str, str]:
    assert request.have is not None
    channel, _, ts = request.have.external_id.partition(":")
    return channel, ts


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""


def _ours(message: dict[str, Any], event: str, incident_id: str) -> dict[str, Any] | None:
    """The payload of a message's metadata, if the metadata has the event and the incident."""
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != event:
        return None
    found = metadata.get("event_payload")
    return found if isinstance(found, dict) and found.get("id") == incident_id else None


def create(config: Config, open_http: HttpFactory) -> Sink:
    """The sink as configured: a bot if there is a token."""
    settings = Settings.of(config.slack)
    http = open_http(settings.secrets())
    writer = writer_for(config, NAME)
    made = SlackBot if settings.bot_token else SlackWebhook
    return made(settings, http, writer)
