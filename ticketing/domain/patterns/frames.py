"""Records that are lines of a stack trace by their own shape, as shippers make of a trace cut up.

The shape alone decides, never what stands before: a run that is read again is cut differently, and
each record must count in the same incident whatever the cut.
"""

from __future__ import annotations

import re

from ticketing.domain.patterns.reading import Reading, prefix_end
from ticketing.domain.patterns.stacktrace import TRACE_CHARS_MAX, TRACE_LINES_MAX
from ticketing.domain.patterns.trace import UNNAMED

STRAY = "stray stack frames"
"""Pattern and title of what a service's lines of stack traces are counted in."""
LINE_CHARS_MAX = 2_000
"""A longer line is no frame: names and paths are shorter."""

_FRAMES = (
    # Java and its kin: at a.b.C.d(C.java:5), with a module before and a jar after it
    r"\s*at [\w.$/@<>-]{1,400}\((?:[\w$.-]{1,200}(?::\d{1,7})?|Native Method|Unknown Source"
    r"|<\w{1,40}>)\)"
    r"(?: ~?\[[^\]]{1,200}\])?",
    r"\s*\.\.\. \d{1,5} (?:more|common frames omitted|frames? (?:truncated|omitted|excluded))",
    # Node: at close (/app/a.js:10:5), at async Promise.all (index 0)
    r"\s*at (?:async |new )?[^(/]{0,200}?\(?(?:file://|node:|webpack|/|[A-Za-z]:\\|https?://"
    r"|<anonymous>)[^\s()]{0,400}\)?,?(?: \{)?",
    r"\s*at (?:async |new )?[\w.$<>\[\] ]{1,200} \((?:index \d{1,6}|<anonymous>|native"
    r"|eval at .{1,400})\)",
    # .NET: at A.B.C(Order order) in C:\\a.cs:line 42
    r"\s*at (?=[^(\s]{1,400}\.)[\w.`<>\[\],$+|]{3,600}\([^()]{0,400}\)"
    r"(?: in .{1,400}:line \d{1,7})?",
    r"\s*--- End of (?:inner exception )?stack trace.{0,80}---",
    # Python, with the marks below the code of newer releases
    r'\s*File "[^"]{1,500}", line \d{1,7}(?:, in .{1,200})?',
    r"\s*[~^]{1,200}",
    r"\s*\[Previous line repeated \d{1,7} more times?\]",
    r"\s*[|+ ]*(?:Exception Group )?Traceback \(most recent call last\):?",
    # The code of a Python frame: indented, and a call or a raise from its first word on
    r"\s{4,}(?:return |raise |await |yield |[\w.]{1,60} = ){0,4}[\w.]{1,120}\(.{0,300}",
    r"\s*During handling of the above exception, another exception occurred:",
    r"\s*The above exception was the direct cause of the following exception:",
    # Go: main.load(0x0), its place, the head of a goroutine
    r"goroutine \d{1,12} \[.{1,100}\]:",
    r"(?=[^\s(]{1,400}\.)[\w./-]{3,400}(?:\(\*?[\w.]{1,80}\)[\w.]{1,200})?"
    r"\((?:0x[0-9a-f]{1,16}|\.\.\.|\{[^}]{0,200}\}|[, ?]){0,100}\)",
    r"\s+(?:/|[A-Za-z]:)[^\s:]{1,400}\.(?:go|s):\d{1,7}(?: \+0x[0-9a-f]{1,16})?",
    r"created by [\w./()*-]{1,300}(?: in goroutine \d{1,12})?",
    r"\[signal SIG[A-Z]{2,8}: .{1,200}\]",
    # PHP, gdb, Dart
    r"\s*(?:\[stacktrace\] ?)?#\d{1,4}\s+(?:[^\s(]{1,400}\(\d{1,7}\)|\[internal function\]"
    r"|\{main\}|<main>)(?:: .{0,400})?",
    r"\s*#\d{1,4}\s+(?:0x[0-9a-fA-F]{1,16} )?(?:in )?[\w:~<>*&, .$-]{1,300} ?\(.{0,300}\)(?: "
    r"(?:from|at) \S{1,400})?",
    r"\s*(?:PHP )?(?:stack ?trace|stack backtrace|call stack|backtrace):?",
    r"\s*\[stacktrace\]",
    r"\s*(?:PHP )?\s{0,9}\d{1,3}\. [^()]{1,200}\([^()]{0,200}\) /\S{1,400}:\d{1,7}",
    r"\s*thrown in \S{1,400} on line \d{1,7}",
    # Ruby: from a.rb:5:in `b', without a message after it
    r"\s*(?:\d{1,4}: )?(?:from )?[^\s:()]{1,400}\.(?:rb|erb|rake"
    r"|ru):\d{1,7}:in [`'\u2018].{1,200}['\u2019]",
    # Rust: 3: core::panicking::panic_fmt, and its place
    r"\s*\d{1,4}:\s{1,10}(?:0x[0-9a-f]{1,16} - )?[\w<][\w<>&, $.\[\]{}#-]{0,200}"
    r"(?:::[\w<>&, $.\[\]{}#-]{1,200}){1,20}",
    r"\s*\d{1,4}: (?:rust_begin_unwind|main|_start|__libc_start_main\w{0,40}|<unknown>)",
    r"\s+at \S{1,400}\.(?:rs|c|h|S):\d{1,7}(?::\d{1,7})?",
    r"note: (?:run with|Some details are omitted).{0,300}",
    # Swift, Objective-C, Elixir
    r"\s*\d{1,4}\s{1,40}\S{1,200}\s{1,40}0x[0-9a-f]{1,16} .{1,300} \+ \d{1,9}",
    r"\s{2,}\([\w ]{1,80}[\d.]{1,20}\) \S{1,300}:\d{1,7}: .{1,200}",
)
_CAUSE = r"\s*(?:Caused by: |Suppressed: |Wrapped by: |\[cause\]: |---> ).{1,2000}"
_FRAME = re.compile("|".join(f"(?:{form})" for form in _FRAMES), re.IGNORECASE)
_CAUSE_OF = re.compile(_CAUSE)
# How a frame begins or ends tells it from nearly every other line.
_BEGINS = re.compile(
    r"\s*(?:at |\.\.\.|file \"|[~^#\[(|+\d]|traceback|exception group|during |the above "
    r"|goroutine |created "
    r"|---|caused by|suppressed|wrapped by|php |stack|call stack|backtrace|thrown in|from "
    r"|note: )|\s{4}|\s+/",
    re.IGNORECASE,
)
_ENDS = (")", "'", "\u2019")
_AFTER_PREFIX = ("at ", 'File "', "... ", "Caused by: ")
_AT_LEAST_AFTER_PREFIX = re.compile(r"\s*(?:at |File \"|\.\.\. \d|Caused by: )")


def only_frames(reading: Reading) -> bool:
    """True for a text of nothing but frames, and of causes in a line of their own."""
    text = reading.text
    if "\n" not in text[:TRACE_CHARS_MAX].strip():
        return len(text) <= TRACE_CHARS_MAX and _is_line_of_trace(text.strip("\n"))
    trace = reading.trace
    named = trace is not None and (trace.exception != UNNAMED or trace.message != "")
    if named and trace is not None and not _is_frame(trace.message):
        return False
    lines = text[:TRACE_CHARS_MAX].split("\n", TRACE_LINES_MAX)[:TRACE_LINES_MAX]
    return all(_is_line_of_trace(one) for one in lines if one.strip())


def _is_line_of_trace(one: str) -> bool:
    one = one.rstrip()
    if len(one) > LINE_CHARS_MAX:
        return False
    likely = one.endswith(_ENDS) or _BEGINS.match(one) is not None
    if likely and (_CAUSE_OF.fullmatch(one) or _is_frame(one)):
        return True
    if not any(word in one for word in _AFTER_PREFIX):
        return False
    end = prefix_end(one)
    if not 0 < end < len(one) or _AT_LEAST_AFTER_PREFIX.match(one, end) is None:
        return False
    return _CAUSE_OF.fullmatch(one, end) is not None or _FRAME.fullmatch(one, end) is not None


def _is_frame(one: str) -> bool:
    return _FRAME.fullmatch(one) is not None
