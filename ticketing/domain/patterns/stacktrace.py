"""Stack traces reduced to what names the fault: Java, Node, .NET, Python and Go stand here."""

from __future__ import annotations

import re

from ticketing.domain.patterns.script_traces import php, ruby, rust
from ticketing.domain.patterns.trace import (
    FRAMES_MAX,
    LIBRARY_FILES,
    MESSAGE_CHARS_MAX,
    UNNAMED,
    Frame,
    Trace,
    chosen,
    exception_of,
    file_of,
    trace_of,
    without_numbers,
)

__all__ = ["FRAMES_MAX", "reduce_trace"]

# The root cause may come last (Java's `Caused by`), so that more of a trace is read than of a
# message; a line is as long as a message may be.
TRACE_CHARS_MAX = 64_000
TRACE_LINES_MAX = 1_000
_LINE_CHARS_MAX = 2_000
_LIBRARIES = (
    "java.|javax.|jakarta.|sun.|jdk.|com.sun.|kotlin.|kotlinx.|scala.|groovy.|org.springframework.|"
    "org.apache.|org.eclipse.|org.hibernate.|org.jboss.|org.junit.|io.netty.|io.undertow.|reactor.|"
    "io.reactivex.|io.grpc.|io.micrometer.|com.fasterxml.|com.zaxxer.|com.mysql.|org.postgresql.|"
    "oracle.|com.google.common.|com.netflix.|feign.|okhttp3.|retrofit2.|akka.|android.|androidx.|"
    "com.android.|dalvik.|libcore.|rx.|net.sf.cglib.|System.|Microsoft.|Npgsql.|runtime.|reflect.|"
    "testing.|syscall.|net/http.|internal/|panic|created by |node:|internal."
)
_LIBRARY_STARTS = tuple(_LIBRARIES.split("|"))
_AT = re.compile(r"\s*at (?:async |new )?(?=\S)")
_SHARED_FRAMES = re.compile(r"\s*\.\.\. \d+ (?:more|common frames)")
_PY_FRAME = re.compile(r'\s*File "([^"]{1,500})", line \d+(?:, in (.{1,200}))?')
_GROUP_BARS = re.compile(r"\s*(?:[|+]\s?)+(?:-{3,}.*)?")
_PY_HEAD = "Traceback (most recent call last)"
_GO_HEAD = re.compile(r"goroutine \d+ \[")
_GO_PANIC = re.compile(r"(?:\bpanic(?: serving \S{1,100})?|^fatal error): (.*)")
_GO_FRAME = re.compile(r"([\w./\-]{1,200}(?:\(\*?\w{1,80}\)[\w.]{1,80})?[\w.]{0,80})\(")


def reduce_trace(text: str) -> Trace | None:
    """The trace in a text, or None if there is none; reads at most 64 kB and 1,000 lines."""
    lines = _lines(text)
    if len(lines) < 2:
        return None
    for sign, reduce in ((":in ", ruby), ("#", php), ("panicked at", rust)):
        trace = reduce(lines) if sign in text else None
        if trace is not None:
            return trace
    if any(_PY_HEAD in line for line in lines):
        return _python(lines)
    if _PY_FRAME.match(lines[0]):
        # A syntax error, or a trace whose head has been cut off.
        trace = _python([_PY_HEAD, *lines])
        if trace is not None and trace.exception != UNNAMED:
            return trace
    if any(map(_GO_HEAD.match, lines)):
        return _go(lines)
    return _at_frames(lines)


def _lines(text: str) -> list[str]:
    head = text[:TRACE_CHARS_MAX]
    if "\n" not in head and "\\n" in head:
        # Some shippers escape a trace onto one line.
        head = head.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t")
    elif "\n" not in head:
        return []
    return [line[:_LINE_CHARS_MAX].rstrip() for line in head.split("\n", TRACE_LINES_MAX)]


def _at_frames(lines: list[str]) -> Trace | None:
    """Java, Node and .NET: the root cause is the last head before frames, or `... 3 more`."""
    head, best = "", ""
    frames: list[Frame] = []
    inside = False
    for line in lines:
        match = _AT.match(line)
        if match is None:
            if frames and _SHARED_FRAMES.match(line) and _begins_cause(head):
                inside, best = True, head
            inside = inside and not _begins_cause(line)
            head = line if line.strip() and not _is_filler(line) else head
            continue
        if not inside:
            if frames and not _begins_cause(head):
                inside = True
                continue
            inside, best, frames = True, head, []
        frames.append(_at_frame(line[match.end() :]))
    if not frames or (len(frames) < 2 and not _names_exception(best)):
        return None
    return trace_of(best, frames)


def _begins_cause(line: str) -> bool:
    line = line.lstrip()
    return line.startswith(("Caused by:", "---> ", "[cause]:"))


def _is_filler(line: str) -> bool:
    line = line.strip()
    return line.startswith(("...", "--- End of", "Suppressed:", "}", "{"))


def _names_exception(line: str) -> bool:
    return exception_of(line)[0] != UNNAMED


def _at_frame(text: str) -> Frame:
    name, _, place = text.partition("(")
    name = name.strip()
    if "/" in name and not place and ("\\" in name or ":" in name):
        place, name = name, ""
    if " in " in name:
        name = name.split(" in ", 1)[0]
    # Java puts a module or class loader before a slash: java.base/java.lang.Thread.run
    loaded = name.rsplit("/", 1)[-1]
    library = loaded.startswith(_LIBRARY_STARTS) or any(part in place for part in LIBRARY_FILES)
    if not loaded or loaded == "<anonymous>":
        loaded = file_of(place)
    return Frame(without_numbers(loaded), library)


def _python(lines: list[str]) -> Trace | None:
    """The first traceback is the root cause; its last frame is the nearest."""
    start = next(n for n, line in enumerate(lines) if _PY_HEAD in line)
    if "Exception Group Traceback" in lines[start]:
        # Each line of a group stands behind bars; the first of its exceptions is the cause.
        lines = [_GROUP_BARS.sub("", line) for line in lines]
        heads = [n for n, line in enumerate(lines) if line.startswith(_PY_HEAD)]
        start = heads[0] if heads else start
    head_line = lines[start].lstrip()
    indent = len(lines[start]) - len(head_line) if head_line.startswith(_PY_HEAD) else 0
    frames: list[Frame] = []
    head = ""
    for line in lines[start + 1 :]:
        match = _PY_FRAME.match(line)
        if match:
            path, function = match.group(1), match.group(2) or "<module>"
            library = any(part in path for part in LIBRARY_FILES)
            frames.append(Frame(f"{file_of(path)}:{function.strip()}", library))
        elif line.strip() and len(line) - len(line.lstrip()) <= indent:
            head = line.strip()
            break
    if not frames:
        return None
    name, colon, message = head.partition(":")
    if not colon or _IDENTIFIER_PATH.fullmatch(name) is None:
        name, message = (head, "") if _IDENTIFIER_PATH.fullmatch(head) else (UNNAMED, head)
    message = message.strip()[:MESSAGE_CHARS_MAX]
    return Trace(exception=name, message=message, frames=chosen(frames[::-1]))


_IDENTIFIER_PATH = re.compile(r"[A-Za-z_][\w.]*")


def _go(lines: list[str]) -> Trace | None:
    """A panic's message, then the frames of the first goroutine."""
    start = next(n for n, line in enumerate(lines) if _GO_HEAD.match(line))
    heads = [line for line in lines[:start] if line.strip() and not line.startswith("[signal")]
    panics = [match.group(1) for match in map(_GO_PANIC.search, heads) if match]
    frames: list[Frame] = []
    for line, place in zip(lines[start + 1 :], [*lines[start + 2 :], ""], strict=True):
        if not line.strip():
            break
        match = None if line.startswith("\t") else _GO_FRAME.match(line)
        if match:
            library = _in_library(line, place)
            frames.append(Frame(match.group(1).rsplit("/", 1)[-1], library))
    if not frames:
        return None
    message = (panics or heads or [""])[0][:MESSAGE_CHARS_MAX]
    return Trace(exception="panic", message=message, frames=chosen(frames))


def _in_library(line: str, place: str) -> bool:
    return line.startswith(_LIBRARY_STARTS) or any(part in place for part in LIBRARY_FILES)
