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

# A piece of code: a quotation, or no word of a sentence after a closing bracket.
_CODE = (
    r"(?:\"[^\"]{0,300}\"|'[^']{0,300}'|[^\"')\]]"
    r"|[)\]](?!:? (?!(?:if|else|for|and|or|in|is|not|as|from|await|async)\b)\w))"
)
_FRAMES = (
    # Java and its kin: at a.b.C.d(C.java:5), with a module before and a jar after it
    r"\s*at [\w.$/@<>-]{1,400}\((?:[\w$.-]{1,200}:\d{1,7}|[\w$-]{1,200}\.(?:java|kt|kts|scala"
    r"|groovy|clj)|Native Method|Unknown Source(?::\d{1,7})?|<\w{1,40}>)\)"
    r"(?: ~?\[[^\]]{1,200}\])?",
    r"\s*\.\.\. \d{1,5} (?:more|common frames omitted|frames? (?:truncated|omitted|excluded))",
    # Node: at close (/app/a.js:10:5), at async Promise.all (index 0)
    r"\s*at (?:async |new )?(?:[^(/\s]{1,200}(?: \[as [^\]\s]{1,100}\])? )?\(?(?:file://|node:"
    r"|webpack|/|[A-Za-z]:\\|https?://|<anonymous>)[^\s()]{0,400}:\d{1,7}:\d{1,7}\)?,?(?: \{)?",
    r"\s*at [\w.$<>]{1,200} \([\w./-]{1,200}\.[cm]?js:\d{1,7}:\d{1,7}\)",
    r"\s*at (?:async Promise\.\w{1,40} \(index \d{1,6}\)|(?:async |new )?(?:[\w$<>]{1,80}\.){0,9}"
    r"[\w$<>]{1,80}(?: \[as [^\]\s]{1,100}\])? \((?:<anonymous>|eval at .{1,300}:\d{1,7}:\d{1,7})\)"
    r"|(?:[\w$<>]{1,80}\.){1,9}[\w$<>]{1,80} \(native\))",
    # .NET: at A.B.C(Order order) in C:\\a.cs:line 42
    r"\s*at (?=[^(\s]{1,400}\.)[\w.`<>\[\],$+|]{3,600}"
    r"\((?:[\w.`\[\]&*<>+,]{1,120} \w{1,80}(?:, |(?=\)))){0,30}\)(?: in .{1,400}:line \d{1,7})?",
    r"\s*--- End of (?:inner exception )?stack trace.{0,80}---",
    # Python, with the marks below the code of newer releases
    r'[\s|]{0,80}File "[^"]{1,500}", line \d{1,7}(?:,? in [\w.<>]{1,200})?',
    r"[\s|]{0,80}[~^]{1,200}",
    r"[\s|]{0,80}\+-[+ \d-]{1,80}",
    r"\s*\[Previous line repeated \d{1,7} more times?\]",
    r"[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):?",
    # The code of a Python frame: indented, and a call or a raise from its first word on
    r"(?:\s{0,40}\|)?\s{4,}(?:return |raise |await |yield |[\w.]{1,60} = ){0,4}[\w.]{1,120}"
    rf"\((?:{_CODE}{{0,300}}?(?:[\])}},({{\[\\:\"']|\.\w{{1,80}}))?",
    r"\s*During handling of the above exception, another exception occurred:",
    r"\s*The above exception was the direct cause of the following exception:",
    # Go: main.load(0x0), its place, the head of a goroutine
    r"goroutine \d{1,12} \[.{1,100}\]:",
    r"(?=[^\s(]{1,400}\.)[\w./-]{3,400}(?:\(\*?[\w.]{1,80}\)[\w.]{1,200})?"
    r"\((?:0x[0-9a-f]{1,16}|\.\.\.|\{[^}]{0,200}\}|[, ?]){0,100}\)",
    r"\s+(?:/|[A-Za-z]:)[^\s:]{1,400}\.(?:go|s):\d{1,7}(?: \+0x[0-9a-f]{1,16})?",
    r"created by [\w/-]{1,200}\.[\w./()*-]{1,300}(?: in goroutine \d{1,12})?",
    r"\[signal SIG[A-Z]{2,8}: [^\]=]{1,80} code=.{1,120}\]",
    # Lua, Perl
    r"\s+(?:\[C\]|\S{1,300}\.lua:\d{1,7}|\[string .{1,200}\]:\d{1,7}): in .{1,200}",
    r"\s+(?:[\w:]{1,200}\(.{0,300}\)|eval \{\.\.\.\}|require \S{1,300})"
    r" called at \S{1,400} line \d{1,7}\.?",
    # PHP, gdb, Dart
    r"\s*(?:\[stacktrace\] ?)?#\d{1,4}\s+(?:[^\s(]{1,400}\(\d{1,7}\)|\[internal function\]"
    r"|\{main\}|<main>)(?:: [\w\\:>{}-]{1,300}\(.{0,300})?",
    r"\s*#\d{1,4}\s+0x[0-9a-f]{2,16} (?:in [\w:~?]|\().{0,600}",
    r"\s*#\d{1,4}\s+[\w:~<>*&,.$-]{1,300} ?\((?:[\w$]{1,80}=.{0,300})?\)(?: const)?"
    r"(?: (?:from|at) \S{1,400})?",
    r"\s*#\d{1,4}\s+[\w:~<>*&, .$-]{1,300} \((?:dart|file|package|org-dartlang[\w-]{0,40}):\S{1,400}\)",
    r"\s*(?:PHP )?(?:stack ?trace(?:back)?|stack backtrace|call stack|backtrace):?",
    r"\s*\[stacktrace\]",
    r"\s*(?:PHP )?\s{0,9}\d{1,3}\. [^()\s]{1,200}\([^()]{0,200}\) /\S{1,400}\.\w{1,8}:\d{1,7}",
    r"\s*thrown in \S{1,400} on line \d{1,7}",
    # Ruby: from a.rb:5:in `b', without a message after it
    r"\s*(?:\d{1,4}: )?(?:from )?[^\s:()]{1,400}\.(?:rb|erb|rake"
    r"|ru):\d{1,7}:in [`'\u2018].{1,200}['\u2019]",
    # Rust: 3: core::panicking::panic_fmt, and its place
    r"\s*\d{1,4}:\s{1,10}(?:0x[0-9a-f]{1,16} - )?[\w<][\w<>&, $.\[\]{}#-]{0,200}"
    r"(?:::[\w<>&, $.\[\]{}#-]{1,200}){1,20}",
    r"\s*\d{1,4}: (?:rust_begin_unwind|main|_start|__libc_start_main\w{0,40}|<unknown>)",
    r"\s+at \S{1,400}\.(?:rs|c|h|S):\d{1,7}(?::\d{1,7})?",
    r"note: (?:run with `RUST_|Some details are omitted, run with `).{0,300}",
    # Swift, Objective-C, Elixir
    r"\s*\d{1,4}\s{1,40}\S{1,200}\s{1,40}0x[0-9a-f]{1,16} .{1,300} \+ \d{1,9}",
    r"\s{2,}\(\w{1,80} \d[\w.-]{0,30}\) \S{1,300}\.(?:exs?|[he]rl):\d{1,7}: .{1,200}",
)
# An exception's class follows, by its ending, as a dotted name or before a colon.
_CAUSE = (
    r"\s*(?:Caused by: |Suppressed: |Wrapped by: |\[cause\]: |---> )(?:\(Inner Exception #\d{1,4}\) )?"
    r"(?:[\w$]{0,200}(?:Error|Exception|Failure|Fault|Timeout)"
    r"|(?:[\w$-]{1,100}\.){1,20}[\w$]{1,200})(?: \[.{1,200}\])?(?:: .{0,1800})?"
)
_FRAME = re.compile("|".join(f"(?:{form})" for form in _FRAMES), re.IGNORECASE)
_CAUSE_OF = re.compile(_CAUSE)
# How a frame begins or ends tells it from nearly every other line.
_BEGINS = re.compile(
    r"\s*(?:at |\.\.\.|file \"|[~^#\[(|+\d]|traceback|exception group|during |the above "
    r"|goroutine |created "
    r"|---|caused by|suppressed|wrapped by|php |stack|call stack|backtrace|thrown in|from "
    r"|note: )|\s{4}|\t|\s+/",
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
