"""Logging: one line an event, as JSON or for people, without secrets."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor

from ticketing.domain.text import escaped
from ticketing.log_repeats import Repeats

MASK = "****"
WHOLE_WORD_BELOW_CHARS = 8
"""Shorter secrets are masked as whole words only; a masked letter or two ruins every line."""

_NOISY = ("aiokafka", "faust", "mode", "aiohttp", "LiteLLM", "urllib3", "slack_sdk", "asyncio")


class Redactor:
    """Replaces secrets, including their forms in addresses, JSON and Python literals."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace `secrets` from now on, instead of those before."""
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        words = [_expression(form) for form in sorted(forms, key=len, reverse=True)]
        self._pattern = re.compile("|".join(words)) if words else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(secret: str) -> set[str]:

    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }


def _expression(form: str) -> str:
    escaped = re.escape(form)
    if len(form) >= WHOLE_WORD_BELOW_CHARS:
        return escaped
    return rf"(?<!\w){escaped}(?!\w)"


class _RedactingFormatter(logging.Formatter):
    """Redacts the finished line, and so its message, fields and traceback."""

    def __init__(self, inner: logging.Formatter, redact: Redactor) -> None:
        super().__init__()
        self._inner = inner
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(self._inner.format(record))


if TYPE_CHECKING:
    _StreamHandler: TypeAlias = logging.StreamHandler[TextIO]
else:
    # Python 3.10 knows no type of the stream.
    _StreamHandler = logging.StreamHandler


class _Handler(_StreamHandler):
    """Writes a line that repeats once, and then its count."""

    def __init__(self, stream: TextIO, *, every_line: bool) -> None:
        super().__init__(stream)
        self._repeats = None if every_line else Repeats(super().emit)

    def emit(self, record: logging.LogRecord) -> None:
        if self._repeats is None or self._repeats.passes(record):
            super().emit(record)

    def close(self) -> None:
        if self._repeats is not None:
            self._repeats.close()
        super().close()


_redactor = Redactor()
_json = False
"""True once lines are written as JSON."""


def configure(
    level: str,
    fmt: str,
    secrets: Iterable[str],
    *,
    stream: TextIO | None = None,
) -> None:
    """Send the lines of all loggers, libraries' included, to stderr without secrets.

    `fmt` is json, console or auto (console on a terminal). Safe to repeat: the last call holds.
    """
    global _json
    stream = sys.stderr if stream is None else stream
    _redactor.learn(secrets)
    console = fmt == "console" or (fmt == "auto" and stream.isatty())
    _json = not console
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    handler = _Handler(stream, every_line=level == "debug")
    handler.setFormatter(_RedactingFormatter(_formatter(console, shared, stream), _redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten(level)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def is_json() -> bool:
    """True once `configure` has chosen JSON: every line of the process is JSON then."""
    return _json


def redact(text: str) -> str:
    """The text without the secrets given to `configure`."""
    return _redactor(text)


def get(name: str) -> Any:
    """A logger, whose methods take an event and fields: `log.info("started", app=name)`."""
    return structlog.get_logger(name)


def about(**fields: Any) -> AbstractContextManager[None]:
    """Add fields, such as topic and partition, to every line that this task writes meanwhile.

    A line's own field of the same name wins.
    """
    return structlog.contextvars.bound_contextvars(**fields)


@contextmanager
def about_the_process() -> Iterator[None]:
    """Leave the fields of `about` out of the lines that this task writes meanwhile.

    For a line that sums up a process: the partition in hand would be named for all others.
    """
    left_out = structlog.contextvars.get_contextvars()
    structlog.contextvars.clear_contextvars()
    try:
        yield
    finally:
        structlog.contextvars.bind_contextvars(**left_out)


def _formatter(console: bool, shared: list[Processor], stream: TextIO) -> logging.Formatter:
    renderer: list[Processor] = [
        structlog.processors.format_exc_info,
        _redact_values,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]
    if console:
        renderer = [
            _redact_values,
            _escape_values,
            structlog.dev.ConsoleRenderer(
                colors=stream.isatty(), exception_formatter=_escaped_traceback
            ),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )


def _redact_values(_: Any, __: str, event: EventDict) -> EventDict:
    """Redacts values before they are escaped again, which would change a secret's form."""
    kept = {key: event[key] for key in ("exc_info", "_record") if key in event}
    return {key: _redacted(item) for key, item in event.items() if key not in kept} | kept


def _escape_values(_: Any, __: str, event: EventDict) -> EventDict:
    """Escape what would act on a terminal: values may quote records and answers of platforms."""
    return {key: escaped(item) if isinstance(item, str) else item for key, item in event.items()}


def _escaped_traceback(stream: TextIO, failed: Any) -> None:
    """A plain traceback, as rich ones print local variables, which may be secrets."""
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, failed)
    stream.write(escaped(plain.getvalue()))


def _redacted(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return {_redactor(str(key)): _redacted(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redacted(item) for item in value]
    return _redactor(str(value))


def _quieten(level: str) -> None:
    """Limit libraries to warnings, except at debug, and remove their handlers.

    A library's own handler would bypass the redaction."""
    for name in list(logging.root.manager.loggerDict):
        if not isinstance(logging.root.manager.loggerDict[name], logging.Logger):
            continue
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _NOISY:
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    logging.captureWarnings(True)


def _log_uncaught(kind: Any, error: Any, traceback: Any) -> None:
    """Log an uncaught exception, which Python would print unredacted."""
    logging.getLogger("ticketing").critical("uncaught", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is SystemExit:
        return  # As Python does: a thread may end itself.
    error = failed.exc_value or failed.exc_type()
    name = "a thread" if failed.thread is None else failed.thread.name
    logging.getLogger("ticketing").critical("uncaught in %s", name, exc_info=error)


def _log_unraisable(failed: sys.UnraisableHookArgs) -> None:
    """Log an exception that Python could not raise, as one in a finalizer."""
    error = failed.exc_value or failed.exc_type()
    logging.getLogger("ticketing").error(
        "%s: %r", failed.err_msg or "ignored", failed.object, exc_info=error
    )
