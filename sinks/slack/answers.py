"""Interprets Slack's answers: the Web API answers nearly always with 200 and names errors in words.

https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from __future__ import annotations

from typing import Any

from sinks.calls.outcome import Failed, Failure, Reason, Refused, RetryAfter, Unknown

PASSING = frozenset({"ratelimited", "rate_limited", "request_timeout", "message_limit_exceeded"})
"""Errors of calls that were not carried out and may be later."""
UNKNOWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "team_added_to_org"})
"""Errors of calls that may have been carried out in part."""
FORBIDDEN = frozenset(
    {
        "access_denied",
        "account_inactive",
        "channel_not_found",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "restricted_action",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
        "two_factor_setup_required",
    }
)
"""Errors that pass once a person mends the token or the channel: the call is then tried again."""
MISSING = frozenset({"message_not_found", "thread_not_found"})
TOO_LARGE = frozenset({"msg_too_long", "msg_blocks_too_long", "metadata_too_large"})

BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""Refusals of a message's blocks, without which the message is taken."""
NOT_EDITABLE = frozenset({"edit_window_closed", "cant_update_message"})
"""Refusals of an edit by the workspace's rules, which leave the thread."""

FIXES = {
    "channel_not_found": "there is no such channel, or the bot may not see it",
    "is_archived": "unarchive the channel or choose another",
    "missing_scope": "give the app the scope and install it again",
    "not_in_channel": "invite the bot to the channel",
}
DETAIL_CHARS_MAX = 300
"""As in `sinks.calls.http`: a few sentences, in a message that is one line."""


def failure(data: Any, request: str) -> Failure | None:
    """The failure of a method of the Web API; None after a success."""
    if not isinstance(data, dict) or not isinstance(data.get("ok"), bool):
        return Unknown(Reason.MALFORMED, True, None, "the answer does not say whether it is ok")
    if data["ok"]:
        return None
    code = str(data.get("error") or "unknown_error")
    detail = _detail(code, data)
    if code in PASSING:
        return RetryAfter(Reason.RATE_LIMITED, None, detail)
    if code in UNKNOWN:
        return Unknown(Reason.SERVER_ERROR, True, None, detail)
    return Refused(_reason(code), detail, request)


def code_of(failed: Failed) -> str:
    """Slack's word for a refusal, with which its detail begins."""
    return failed.outcome.detail.partition(";")[0]


def _reason(code: str) -> Reason:
    if code in FORBIDDEN:
        return Reason.CREDENTIALS
    if code in MISSING:
        return Reason.NOT_FOUND
    return Reason.TOO_LARGE if code in TOO_LARGE else Reason.INVALID


def _detail(code: str, data: dict[str, Any]) -> str:
    words = [code, FIXES.get(code, "")]
    if isinstance(needed := data.get("needed"), str):
        words.append(f"needed: {needed}")
    if isinstance(more := data.get("errors"), list):
        words += [str(one) for one in more[:3]]
    return "; ".join(word for word in words if word)[:DETAIL_CHARS_MAX]


def refused_webhook(failed: Failed) -> Failed:
    """A webhook's failure, in which an address that is gone becomes a fault of the configuration.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """
    outcome = failed.outcome
    if isinstance(outcome, Refused) and outcome.reason is Reason.NOT_FOUND:
        return Failed(Refused(Reason.CREDENTIALS, outcome.detail, outcome.request))
    return failed
