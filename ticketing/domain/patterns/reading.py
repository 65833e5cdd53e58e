"""The one reading of a record's text, from which both its pattern and its title come."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ticketing.domain.patterns.stacktrace import TRACE_CHARS_MAX, reduce_trace
from ticketing.domain.patterns.trace import UNNAMED, Trace
from ticketing.domain.text import cleaned, cut, line

TITLE_CHARS_MAX = 200
"""A line or two for people; platforms with less room cut it further."""
HEAD_CHARS_MAX = 4_000
"""Lines that say nothing are passed over in so much of a text."""
DEPTH_MAX = 4
"""Objects in objects of a JSON message: an error in an event in an envelope, and one more."""
KEYS_MAX = 8
"""Fields named for an object that says nothing: a line of them fits into a title."""
KEY_CHARS_MAX = 40
"""Of a longer name the beginning tells it from others."""

# fmt: off
_SAYING_KEYS = (
    "message", "msg", "@m", "error", "err", "error_message", "errormessage", "error_msg", "errormsg",
    "error.message", "exception_message", "exceptionmessage", "exception.message", "exception",
    "errors", "cause", "reason", "detail", "details", "description", "error_description",
    "short_message", "renderedmessage", "@mt", "messagetemplate", "log_message", "logmessage",
    "text", "textpayload", "jsonpayload", "log", "body", "event", "title", "status_text",
    "statustext", "content", "note", "payload", "fields", "data",
)
_TRACE_KEYS = (
    "stack", "stack_trace", "stacktrace", "exception.stacktrace", "error.stack_trace",
    "error.stack", "exception_stacktrace", "traceback", "exc_info", "@x",
    "exception", "error", "err", "cause", "throwable",
)
# fmt: on
_CLASS_KEYS = (
    *("type", "class", "name", "exception_class", "exceptionclass", "kind", "code"),
    *("error.type", "exception.type"),
)
_SAID_IN_JSON = re.compile(
    r'"(?:message|msg|error|err|error_message|errorMessage|reason|detail|description)"\s?:\s?'
    r'"((?:[^"\\]|\\.){1,2000})'
)
_KEY_IN_JSON = re.compile(r'[{,]\s?"([\w.@-]{1,40})"\s?:')
_LEVEL = (
    r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRIT|CRITICAL|FATAL|ALERT|EMERG|PANIC"
    r"|trace|debug|info|notice|warn|warning|error|err|severe|crit|critical|fatal|alert|emerg|panic"
    r"|Trace|Debug|Info|Notice|Warn|Warning|Error|Err|Severe|Critical|Fatal|Alert)"
)
# What may stand before a message: times, levels, numbers, [thread], a logger's name before a colon.
_PREFIX_PART = re.compile(
    rf"\s+|[\[(<{{|]*{_LEVEL}[\])>}}|:]*(?!\w)|[\[(<]?\d[\d:.,TZ/+_-]*[\])>]?(?!\w)|\[(?![{{\"])[^\]\n]{{0,120}}\]"
    r"|[A-Za-z_][\w$]{0,60}(?:\.[\w$]{1,60}){1,12}(?=\s{1,4}[-:|])"
    r"|[A-Za-z_][\w.$/-]{0,120}:(?=\s|$)|(?<=:)root:|[-\u2013\u2014|:>*=#~]+"
)
_TRACEBACK = re.compile(r"(?:Exception Group )?Traceback \(most recent call last\):?")
_SAYS_NOTHING = re.compile(
    r"\s*(?:(?:current )?stack ?trace:?|\[stacktrace\]|unhandled exception[.:]?|error report"
    r"|[|\s]*File \"[^\"]{1,500}\", line \d+(?:, in [\w.<>]{1,200})?"
    r"|stack backtrace:|goroutine \d+ \[.{0,80}\]:?|Exception:?|Error:?)\s*$",
    re.IGNORECASE,
)
_ALNUM = re.compile(r"[^\W_]")


class Reading(NamedTuple):
    """A text without what nobody sees, and the stack trace in it, if there is one."""

    text: str
    trace: Trace | None

    def title(self) -> str:
        """The fault in a line of at most 200 characters; empty only if the text is."""
        said = _of_trace(self.trace) if self.trace is not None else ""
        return cut(said or _of_text(self.text), TITLE_CHARS_MAX)

    def said(self) -> str:
        """The message in a text that is a JSON object; empty if there is none."""
        if self.trace is not None or not self.text.lstrip().startswith(("{", "[{")):
            return ""
        document = _document(self.text.lstrip().lstrip("["))
        return "" if document is None else _said(document, DEPTH_MAX)


def read(text: str) -> Reading:
    """The reading of a text; a trace in a field of a JSON message is found there."""
    text = cleaned(text)
    if "\\n" in text and text.lstrip()[:1] == "{":
        document = _document(text)
        if document is not None:
            trace = _trace_in(document)
            if trace is not None:
                return Reading(text, trace)
    return Reading(text, reduce_trace(text))


def _of_trace(trace: Trace) -> str:
    message = line(_TRACEBACK.sub("", trace.message))
    place = f" at {trace.frames[0]}" if trace.frames else ""
    if trace.exception == UNNAMED:
        return message or trace.exception + place
    return f"{trace.exception}: {message}" if message else trace.exception + place


def _of_text(text: str) -> str:
    text = text.lstrip()
    start, first = 0, ""
    traced = False
    for whole in text[:HEAD_CHARS_MAX].split("\n"):
        one = _TRACEBACK.sub("", whole)
        traced = traced or one != whole
        first = first or line(one)
        end = prefix_end(one)
        if one == whole and one.startswith(("{", "[{"), end):
            return _of_json(text[start + end :])
        if _ALNUM.search(one, end) and not _SAYS_NOTHING.match(one, end):
            return line(one)
        start += len(whole) + 1
    if traced or _SAYS_NOTHING.match(first, prefix_end(first)):
        return "stack trace without a message"
    if first:
        return f"no message ({first})"
    return "no readable text" if text else ""


def prefix_end(one: str) -> int:
    """The position in a line where its time, level, thread and logger end."""
    end = 0
    while (match := _PREFIX_PART.match(one, end)) is not None and match.end() > end:
        end = match.end()
    return end


def _of_json(text: str) -> str:
    """The words of a JSON object, or the names of its first fields."""
    text = text[text.index("{") :]
    document = _document(text)
    if document is None:
        # Cut off by a shipper, or no JSON after all.
        found = _SAID_IN_JSON.search(text[:HEAD_CHARS_MAX])
        said = "" if found is None else found.group(1).replace("\\n", "\n").replace('\\"', '"')
        keys = _KEY_IN_JSON.findall(text[:HEAD_CHARS_MAX]) or [line(text[:KEY_CHARS_MAX])]
    else:
        said = _said(document, DEPTH_MAX)
        keys = [line(key[:KEY_CHARS_MAX]) for key in document]
    if _ALNUM.search(said):
        return _of_text(said)
    return f"object without a message: {', '.join(keys[:KEYS_MAX])}" if keys else "empty object"


def _document(text: str) -> dict[str, Any] | None:
    """The JSON object at the start of a text, or None."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text[:TRACE_CHARS_MAX].lstrip())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _said(document: dict[str, Any], depth: int) -> str:
    """The message of a JSON document, with the class of the error that it belongs to."""
    document = _by_lower_case(document)
    for key in _SAYING_KEYS:
        value = document.get(key)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict) and depth > 1:
            said = _said(value, depth - 1)
            if said:
                return said
        if isinstance(value, str) and _ALNUM.search(value[:HEAD_CHARS_MAX]):
            name = next((document[key] for key in _CLASS_KEYS if _is_class(document.get(key))), "")
            return value if not name or name in value else f"{name}: {value}"
    return ""


def _by_lower_case(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its keys in lower case, in which they are spelled above."""
    return {key.lower(): value for key, value in document.items()}


def _is_class(value: object) -> bool:
    return isinstance(value, str) and value.endswith(("Error", "Exception", "Fault", "Timeout"))


def _trace_in(document: dict[str, Any], depth: int = DEPTH_MAX) -> Trace | None:
    """The first stack trace in the fields of a JSON document that hold traces or errors."""
    document = _by_lower_case(document)
    for key in (*_TRACE_KEYS, *_SAYING_KEYS):
        value = document.get(key)
        if isinstance(value, dict) and depth > 1:
            trace = _trace_in(value, depth - 1)
        else:
            trace = reduce_trace(value) if isinstance(value, str) else None
        if trace is not None:
            return trace
    return None
