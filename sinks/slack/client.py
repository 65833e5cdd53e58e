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
from sinks.text.services import Services
from sinks.text.writer import Writer, writer_for
from tables.deliveries import Operation, Why
from ticketing.config import Config
from ticketing.domain.incidents.incident import Incident, Step, StepKind
from ticketing.domain.text import line

NAME = "slack"
PAGE_MESSAGES = 200
"""One page holds a quiet channel's messages since the incident; Slack may give shorter pages."""
PAGES_MAX = 25
"""At most 5,000 messages or channels; bounds a search in a busy channel."""
CLOCKS_DIFFER_SECONDS_MAX = 300.0
"""The same five minutes for which Slack's signatures are valid."""
UNSEARCHED = "its history can't be read, so that a lost message is posted again, marked"
BAD_REQUEST = 400
"""The status of a webhook for a message that breaks a rule."""
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

    def _key(self, request: Request) -> str:
        return self._writer.key(request.incident_id)

    async def _post(self, request: Request) -> Outcome:
        message = self._message(request.want)
        if request.uncertain:
            message = payload.repeated(message)
        answer, left_out = await self._sent(
            "chat.postMessage", request.account, message, channel=request.account
        )
        channel, ts = _text(answer, "channel"), _text(answer, "ts")
        if not channel or not ts:
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer names no message"))
        return await self._delivered(channel, ts, left_out)

    async def _sent(
        self, method: str, account: str, message: dict[str, Any], **place: Any
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Post or edit a message; one whose blocks are refused goes out as text."""
        try:
            return await self._api.call(method, account, **place, **message), ()
        except Failed as failed:
            if answers.code_of(failed) not in answers.BLOCKS:
                raise
            refused = failed
        try:
            answer = await self._api.call(method, account, **place, **payload.bare(message))
        except Failed as failed:
            if isinstance(failed.outcome, Refused):
                raise refused from failed
            raise
        return answer, (f"blocks: Slack refused them ({line(refused.outcome.detail)})",)

    async def _edit(self, request: Request) -> Outcome:
        channel, ts = _place(request)
        message = payload.for_update(self._message(request.want))
        try:
            _, left_out = await self._sent("chat.update", channel, message, channel=channel, ts=ts)
        except Failed as failed:
            if answers.code_of(failed) not in answers.NOT_EDITABLE:
                raise
            return await self._turned(request, channel, ts, failed.outcome.detail)
        assert request.have is not None
        if request.have.url:
            return Delivered(left_out=left_out)
        return await self._delivered(channel, ts, left_out)

    async def _turned(self, request: Request, channel: str, ts: str, why: str) -> Delivered:
        """Tell the present state in the thread and the channel, as the message can't be edited.

        A summary or a count that changed is not worth a message.
        """
        tells = request.operation.transition or request.why is Why.SEVERITY
        if request.operation is Operation.RESOLVE:
            tells = self.traits.tells_the_end(request.want)
        turns: list[dict[str, Any]] | None = []
        if tells and request.uncertain:
            turns = await self._told(request, channel, ts, payload.TURN_EVENT)
        # Our reply about this revision tells it.
        if tells and all(one.get("revision") != request.want.revision for one in turns or []):
            # A page is a reply of its own, which mentions.
            message = payload.turn(request.want, self._writer)
            message = payload.repeated(message) if turns is None else message
            await self._sent("chat.postMessage", channel, message, channel=channel, thread_ts=ts)
        return Delivered(left_out=(f"message: Slack does not let it be edited ({why})",))

    def _thread(self, channel: str, ts: str) -> AsyncIterator[dict[str, Any]]:
        return self._api.pages(
            "conversations.replies",
            "messages",
            channel=channel,
            ts=ts,
            limit=str(PAGE_MESSAGES),
            include_all_metadata="true",
        )

    async def _reply(self, request: Request) -> Outcome:
        channel, ts = _place(request)
        want, told = request.want, request.steps
        loud = request.operation is Operation.PAGE
        unread = False
        if request.uncertain:
            replies = await self._told(request, channel, ts, payload.STEPS_EVENT)
            unread = replies is None
            through = max((_number(one, "through") for one in replies or []), default=0)
            told = [step for step in told if step.seq > through]
            # A quiet reply may have told the same steps, and pages nobody.
            loud = loud and all(_number(one, "page") < want.page for one in replies or [])
        if loud and not told:
            seq = want.timeline[-1].seq if want.timeline else 0
            told = [Step(seq=seq, at=want.paged_at, kind=StepKind.REPAGED)]
        if told:
            mention = self._settings.mention_for(want) if loud else ""
            page = want.page if loud else 0
            message = payload.reply(self._key(request), told, page=page, mention=mention)
            if unread:
                message = payload.repeated(message)
            await self._sent("chat.postMessage", channel, message, channel=channel, thread_ts=ts)
        return Delivered()

    async def _told(
        self, request: Request, channel: str, ts: str, event: str
    ) -> list[dict[str, Any]] | None:
        """The metadata of our replies of a kind in the thread; None if the bot may not read it."""
        try:
            found = [
                _ours(message, event, self._key(request))
                async for message in self._thread(channel, ts)
            ]
        except Failed as failed:
            if failed.outcome.reason is not Reason.CREDENTIALS:
                raise
            return None
        return [one for one in found if one is not None]

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
                if _ours(message, payload.INCIDENT_EVENT, self._key(request)) is not None
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

    async def _delivered(self, channel: str, ts: str, left_out: tuple[str, ...] = ()) -> Delivered:
        """The receipt of a message, without an address if the request for the address fails."""
        try:
            answer = await self._api.read("chat.getPermalink", channel=channel, message_ts=ts)
            url = _text(answer, "permalink")
        except Failed:
            url = ""
        return Delivered(
            external_id=f"{channel}:{ts}", key=ts, url=url, account=channel, left_out=left_out
        )

    def _message(self, want: Incident) -> dict[str, Any]:
        return payload.parent(
            want,
            self._writer,
            buttons=self._settings.buttons,
            # An edit notifies nobody.
            mention=self._settings.mention_for(want),
        )

    async def test_connection(self) -> Connection:
        """Check the token and the channels, without a post."""
        try:
            who = await self._api.read("auth.test")
        except Failed as failed:
            return Connection(ok=False, message=f"slack.botToken: {failed}")
        team = _text(who, "team") or "Slack"
        said = [f"connected to {team} as {_text(who, 'user') or 'a bot'}"]
        for channel in self._settings.channel_names():
            problem = await self._problem_of(channel)
            if problem:
                return Connection(ok=False, message=problem)
            try:
                await self._searched(await self._channel_id(channel))
            except Failed as failed:
                if failed.outcome.reason is not Reason.CREDENTIALS:
                    return Connection(ok=False, message=f"slack.channel: {channel}: {failed}")
                said.append(f"{channel}: {UNSEARCHED} ({failed.outcome.detail})")
        return Connection(ok=True, message="; ".join(said))

    async def _searched(self, channel: str) -> None:
        """Search as after a lost answer, on one message; raises Failed."""
        await self._api.read(
            "conversations.history", channel=channel, limit="1", include_all_metadata="true"
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
            await self._send(message)
            left_out: tuple[str, ...] = ()
        except Failed as failed:
            if failed.status != BAD_REQUEST:
                raise answers.refused_webhook(failed) from failed
            refused = failed
            try:
                await self._send(payload.bare(message))
            except Failed as again:
                if isinstance(again.outcome, Refused):
                    raise answers.refused_webhook(refused) from again
                raise
            left_out = (f"blocks: Slack refused them ({line(refused.outcome.detail)})",)
        return Delivered(external_id=request.incident_id, account=self._account, left_out=left_out)

    async def _send(self, message: dict[str, Any]) -> None:
        answer = await self._http.call(
            "POST",
            self._settings.webhook_url,
            body=payload.for_webhook(message),
            text=True,
            account=self._account,
        )
        if answer.body.strip() != b"ok":
            raise Failed(Unknown(Reason.MALFORMED, True, None, "the answer is not ok"))

    def _message(self, request: Request) -> dict[str, Any] | None:
        want, told = request.want, request.steps
        if request.operation is Operation.RESOLVE and not self.traits.tells_the_end(want):
            return None
        mention = self._settings.mention_for(want) if _pages(request) else ""
        if request.operation is not Operation.COMMENT:
            buttons = self._settings.buttons
            return payload.parent(want, self._writer, buttons=buttons, mention=mention)
        return payload.note(want, self._writer, told, mention) if told else None

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


def _pages(request: Request) -> bool:
    """True for the one message of a webhook that tells of a page.

    A page again is told by its comment, a reopening and a risen severity by the state's message.
    """
    if request.operation is Operation.COMMENT:
        return any(step.kind is StepKind.REPAGED for step in request.steps)
    if request.operation is Operation.REOPEN:
        kinds = (StepKind.REOPENED, StepKind.REPAGED, StepKind.SEVERITY_RAISED)
        last = [step.kind for step in request.want.timeline if step.kind in kinds][-1:]
        return last != [StepKind.REPAGED]
    return (
        request.operation in (Operation.CREATE, Operation.ESCALATE) or request.why is Why.SEVERITY
    )


def _place(request: Request) -> tuple[str, str]:
    assert request.have is not None
    channel, _, ts = request.have.external_id.partition(":")
    return channel, ts


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""


def _number(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0


def _ours(message: dict[str, Any], event: str, key: str) -> dict[str, Any] | None:
    """The payload of a message's metadata, if the metadata has the event and the key."""
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != event:
        return None
    found = metadata.get("event_payload")
    return found if isinstance(found, dict) and found.get("id") == key else None


def create(config: Config, open_http: HttpFactory) -> Sink:
    """The sink as configured: a bot if there is a token."""
    settings = Settings.of(config.slack, Services.of(config))
    http = open_http(settings.secrets())
    writer = writer_for(config, NAME)
    made = SlackBot if settings.bot_token else SlackWebhook
    return made(settings, http, writer)
