"""The parts of a reduced stack trace: exception class, message, frames of the application."""

from __future__ import annotations

import re
from dataclasses import dataclass

# The nearest frames name the fault. Further ones differ by caller, and would split an incident.
FRAMES_MAX = 3
FRAME_CHARS_MAX = 160
MESSAGE_CHARS_MAX = 300
UNNAMED = "exception"
"""Stands for a class that a trace does not name."""

LIBRARY_FILES = (
    "site-packages",
    "dist-packages",
    "/lib/python",
    "node_modules",
    "node:",
    "internal/",
    "<frozen ",
    "/usr/local/go/",
)
_EXCEPTION = re.compile(
    r"(?<![\w.$])((?:[a-zA-Z_]\w{0,80}[.$]){0,12}[A-Za-z_]\w{0,100})(?::\s*|\s*$)", re.ASCII
)
_EXCEPTION_NAME = re.compile(
    r"(?:Exception|Error|Throwable|Failure|Fault|Timeout|Interrupt|Exit)\w*$"
)
_DOTTED_CLASS = re.compile(
    r"(?:Caused by: |Uncaught |Unhandled exception\. )?"
    r"((?:[a-z_]\w{0,80}[.$]){1,12}[A-Z]\w{1,100})(?:: ?|$)",
    re.ASCII,
)
_GENERATED = re.compile(r"\$\$[\w$]+|\$\d[\w$]*|(?<=lambda)\$[\w$]*|@[0-9a-f]+|/0x[0-9a-f]+")
_NUMBERED = re.compile(r"\d{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A reduced trace: exception class, message (not masked yet), application frames, nearest first."""

    exception: str
    message: str
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `library`: not of the application."""

    name: str
    library: bool


def chosen(frames: list[Frame]) -> tuple[str, ...]:
    """The top frames of the application; where it has none, those of the libraries."""
    own = [frame.name for frame in frames if not frame.library]
    names = own or [frame.name for frame in frames]
    return tuple(name[:FRAME_CHARS_MAX] for name in names[:FRAMES_MAX])


def trace_of(head: str, frames: list[Frame]) -> Trace:
    """The reduced trace under a head such as `a.b.FooException: no bar`."""
    name, message = exception_of(head)
    return Trace(exception=name, message=message, frames=chosen(frames))


def exception_of(line: str) -> tuple[str, str]:
    """The class and message in a line such as `Caused by: a.b.FooException: no bar`."""
    line = line.rsplit(" ---> ", 1)[-1].strip()
    for match in _EXCEPTION.finditer(line):
        name = match.group(1)
        if _EXCEPTION_NAME.search(name):
            return without_numbers(name), line[match.end() :][:MESSAGE_CHARS_MAX]
    found = _DOTTED_CLASS.match(line)
    if found:
        return without_numbers(found.group(1)), line[found.end() :][:MESSAGE_CHARS_MAX]
    return UNNAMED, line[:MESSAGE_CHARS_MAX]


def without_numbers(name: str) -> str:
    """The name without the parts that a compiler or a proxy has numbered."""
    return _NUMBERED.sub("<*>", _GENERATED.sub("", name))


def file_of(path: str) -> str:
    """The last two parts of a file's path, without line and column."""
    parts = path.rstrip(") ").replace("\\", "/").split("/")
    return re.sub(r":\d+(?::\d+)?$", "", "/".join(parts[-2:]))
