"""Stack traces of Ruby, PHP and Rust, whose frames are told by their files and numbers."""

from __future__ import annotations

import re

from ticketing.domain.patterns.trace import (
    MESSAGE_CHARS_MAX,
    UNNAMED,
    Frame,
    Trace,
    chosen,
    exception_of,
    file_of,
    without_numbers,
)

_LIBRARIES = ("/gems/", "/rubygems/", "/lib/ruby/", "<internal:", "/vendor/", "/rustc/", ".cargo/")

_RUBY_FRAME = re.compile(
    r"\s*(?:\d{1,4}: )?(?:from )?"
    r"((?:[^\s:()]{1,400}\.(?:rb|erb|rake|ru)|\(eval[^)]{0,200}\)|<internal:[^>]{1,200}>))"
    r":\d{1,7}:in [`'\u2018](.{1,200}?)['\u2019](?:: (.{1,2000}))?$"
)
_RUBY_CLASS_LAST = re.compile(r"(.{0,2000}) \(([A-Z][\w:]{1,150})\)$")
_RUBY_CLASS_FIRST = re.compile(r"([A-Z][\w:]{1,150}) \((.{1,2000})\):?$")

_PHP_FRAME = re.compile(
    r"\s*(?:\[stacktrace\] ?)?#\d{1,4} "
    r"(?:([^\s(]{1,400})\((\d{1,7})\)|\[internal function\]|(\{main\}))"
    r"(?:: ([\w\\:>{}-]{1,300}))?"
)
_PHP_HEAD = re.compile(
    r"(?:Uncaught |exception '|\(|^)((?:[A-Za-z_]\w{0,100}\\{1,2}){0,10}[A-Z]\w{1,150})"
    r"(?:\(code: [^)]{1,20}\))?'?(?:: | with message ')(.{0,2000})"
)
_PHP_PLACE = re.compile(r"'? (?:in|at) \S{1,400}:\d{1,7}\)?$")

_RUST_PANIC = re.compile(
    r"thread '.{0,100}' (?:\(\d{1,20}\) )?panicked at "
    r"(?:'(.{0,2000})', )?(\S{1,400}?):\d{1,7}(?::\d{1,7})?:?$"
)
_RUST_FRAME = re.compile(r"\s*\d{1,4}:\s+(?:0x[0-9a-f]{1,16} - )?([\w<>:{}&, $.\[\]#-]{1,300})$")
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
_RUST_OWN = (
    "std::",
    "core::",
    "alloc::",
    "rust_begin_unwind",
    "__rust",
    "<core::",
    "<alloc::",
    "main",
)


def ruby(lines: list[str]) -> Trace | None:
    """A Ruby backtrace, or None; the last exception in it is the cause of those before."""
    head, best = "", ""
    frames: list[Frame] = []
    inside = False
    for line in lines:
        match = _RUBY_FRAME.match(line)
        if match is None:
            inside = inside and not line.strip()
            head = line.strip() or head
            continue
        path, function, said = match.groups()
        if said or not inside:
            if frames and not said and not _ruby_exception(head):
                continue
            inside, best, frames = True, said or head, []
        library = any(part in path for part in _LIBRARIES)
        frames.append(Frame(f"{file_of(path)}:{without_numbers(function)}", library))
    if not frames:
        return None
    found = _ruby_exception(best)
    name, message = found or exception_of(best)
    if found is None and len(frames) < 2 and name == UNNAMED:
        return None
    return Trace(exception=name, message=message[:MESSAGE_CHARS_MAX], frames=chosen(frames))


def _ruby_exception(head: str) -> tuple[str, str] | None:
    last = _RUBY_CLASS_LAST.match(head)
    if last:
        return last.group(2), last.group(1)
    first = _RUBY_CLASS_FIRST.match(head)
    return first.groups() if first else None  # type: ignore[return-value]


def php(lines: list[str]) -> Trace | None:
    """A PHP stack trace, or None; the first exception in it is the cause of those after `Next`."""
    head = ""
    frames: list[Frame] = []
    for line in lines:
        match = _PHP_FRAME.match(line)
        if match is None:
            if frames:
                break
            if line.strip() and not line.strip().lower().startswith(
                ("stack trace:", "[stacktrace]")
            ):
                head = line.strip()
            continue
        path, _, main, function = match.groups()
        if main:
            continue
        library = path is None or any(part in path for part in _LIBRARIES)
        frames.append(Frame(function or (file_of(path) if path else "internal"), library))
    if not head or not frames:
        return None
    found = _PHP_HEAD.search(head)
    name, message = found.groups() if found else exception_of(head)
    name = name.replace("\\\\", "\\")
    message = _PHP_PLACE.sub("", message)[:MESSAGE_CHARS_MAX]
    return Trace(exception=name, message=message, frames=chosen(frames))


def rust(lines: list[str]) -> Trace | None:
    """A Rust panic, or None: its message stands before the place, or in the next line."""
    panics = ((place, _RUST_PANIC.search(line)) for place, line in enumerate(lines))
    place, match = next(((place, match) for place, match in panics if match), (0, None))
    if match is None:
        return None
    message, path = match.groups()
    rest = lines[place + 1 :]
    if message is None:
        message = next((line.strip() for line in rest if line.strip()), "")
    frames = [
        Frame(name, name.startswith(_RUST_OWN))
        for found in map(_RUST_FRAME.match, rest)
        if found and (name := _RUST_HASH.sub("", found.group(1)).strip())
    ]
    own = [frame for frame in frames if not frame.library]
    return Trace(
        exception="panic",
        message=message[:MESSAGE_CHARS_MAX],
        frames=chosen(own) or (file_of(path),),
    )
