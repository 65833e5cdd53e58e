"""Configured templates: Jinja2 in a sandbox that bounds time, size and access.

Only listed nodes, filters and methods are allowed, so that a new feature of Jinja2 changes nothing.
Loops are counted, every operation that can lengthen a text checks the length first, and a budget of
processor time ends any other slow template. Values are inserted, never evaluated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

import jinja2
from jinja2 import meta, nodes, sandbox
from jinja2.runtime import Context

from ticketing.errors import Misconfigured

F = TypeVar("F", bound=Callable[..., Any])

SOURCE_CHARS_MAX = 20_000
"""A template of several screens; compiling takes time that grows with the source."""
VALUE_CHARS_MAX = 100_000
"""Of one intermediate text: above any output, below a burden on memory."""
OUTPUT_CHARS_MAX = 30_000
"""Below Jira's limit of a description (32,767); platforms with a lower one cut the text again."""
# Bounds of a rendering: far above the needs of a ticket's text, harmless even together.
ITEMS_MAX = 1_000
LOOPS_MAX = 10_000
WIDTH_MAX = 200
NUMBER_MAX = 10**15
SECONDS_MAX = 0.5
"""Processor time of the thread, so that a busy machine does not fail a good template."""

_METHODS = frozenset(
    {"items", "keys", "values", "get", "upper", "lower", "strip", "startswith", "endswith", "split"}
)
_FILTERS = (
    *("abs", "capitalize", "default", "dictsort", "first", "float", "int", "items", "last"),
    *("length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "round", "select"),
    *("selectattr", "sort", "string", "sum", "title", "trim", "truncate", "unique"),
    *("upper", "urlencode", "wordcount", "wordwrap"),
)
_NODES = (
    *(nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Keyword, nodes.Getattr),
    *(nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call, nodes.If, nodes.For),
    *(nodes.Assign, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Neg, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod),
    *(nodes.Concat, nodes.List, nodes.Tuple),
)
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)


class BadTemplate(Misconfigured):
    """The template can't be used; the message has the reason, the caller adds the key."""


class _Budget:
    """The loops and seconds left to one rendering."""

    def __init__(self) -> None:
        self.loops = LOOPS_MAX
        self.until = time.thread_time() + SECONDS_MAX

    def spend(self, loops: int = 0) -> None:
        self.loops -= loops
        if self.loops < 0:
            raise BadTemplate(f"goes through more than {LOOPS_MAX} items")
        if time.thread_time() > self.until:
            raise BadTemplate(f"takes longer than {SECONDS_MAX:g} s")


_budget: ContextVar[_Budget] = ContextVar("budget")


class Template:
    """A checked template. `names` are the allowed names."""

    def __init__(self, source: str, names: Iterable[str]) -> None:
        """Raises BadTemplate."""
        self._template = _compiled(source, frozenset(names))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text, cut to OUTPUT_CHARS_MAX characters; raises BadTemplate.

        Control characters except line ends are removed, from template and values alike.
        """
        token = _budget.set(_Budget())
        try:
            context = self._template.new_context(dict(values))
            return clean(_bounded(self._template.root_render_func(context)))
        except _FAULTS as error:
            raise BadTemplate(_said(error)) from None
        finally:
            _budget.reset(token)


def clean(text: str) -> str:
    """The text with visible characters and line ends only; tabs become spaces."""
    return "".join(c if c.isprintable() or c == "\n" else " " * (c == "\t") for c in text).strip()


def _bounded(chunks: Iterator[str]) -> str:
    text = ""
    for chunk in chunks:
        text += chunk
        if len(text) > OUTPUT_CHARS_MAX:
            return text[: OUTPUT_CHARS_MAX - 1].rstrip() + "…"
    return text


def _compiled(source: str, names: frozenset[str]) -> jinja2.Template:
    if len(source) > SOURCE_CHARS_MAX:
        raise BadTemplate(f"is longer than {SOURCE_CHARS_MAX} characters")
    try:
        tree = _environment.parse(source)
        # Checked first, since Jinja2 evaluates constants while it compiles.
        for node in tree.find_all(nodes.Node):
            _require_allowed(node)
        unknown = sorted(meta.find_undeclared_variables(tree) - names - {"range"})
        if unknown:
            raise BadTemplate(f'"{unknown[0]}" is not a name here{_nearest(unknown[0], names)}')
        return jinja2.Template.from_code(
            _environment, _environment.compile(_guarded(tree)), _environment.globals
        )
    except _FAULTS as error:
        raise BadTemplate(_said(error)) from None


def _require_allowed(node: nodes.Node) -> None:
    if isinstance(node, nodes.EvalContextModifier | nodes.ScopedEvalContextModifier):
        return
    if not isinstance(node, _NODES):
        raise _refused(type(node).__name__.lower(), node)
    if isinstance(node, nodes.Filter) and node.node is None:
        raise _refused("a filter block", node)
    if isinstance(node, nodes.For) and node.recursive:
        raise _refused("a recursive loop", node)
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        raise _refused("assigning to more than one name", node)
    if (
        isinstance(node, nodes.List | nodes.Tuple)
        and getattr(node, "ctx", "load") == "load"
        and not all(isinstance(item, nodes.Const) for item in node.items)
    ):
        # A list of lists of lists doubles with every level.
        raise _refused("a list of anything but constants", node)
    if isinstance(node, nodes.Call) and not _may_be_called(node.node):
        raise _refused("this call", node)


def _may_be_called(called: nodes.Node) -> bool:
    if isinstance(called, nodes.Getattr):
        return called.attr in _METHODS
    return isinstance(called, nodes.Name) and called.name == "range"


def _refused(what: str, node: nodes.Node) -> BadTemplate:
    return BadTemplate(f"line {node.lineno}: {what} is not allowed in a template")


def _guarded(tree: nodes.Template) -> nodes.Template:
    """The template with calls that count its loops and measure its concatenations."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _through("counted", loop.iter)
    for parent in list(tree.find_all(nodes.Node)):
        for field in parent.fields:
            value = getattr(parent, field)
            if isinstance(value, nodes.Concat):
                setattr(parent, field, _joining(value))
            elif isinstance(value, list):
                setattr(parent, field, [_joining(item) for item in value])
    return tree


def _joining(node: Any) -> Any:
    if not isinstance(node, nodes.Concat):
        return node
    parts = nodes.List(node.nodes, lineno=node.lineno)
    return _through("joined", parts)


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, f"ticketing_{name}", [], [], None, None, lineno=node.lineno)


def _nearest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f'; did you mean "{near[0]}"?' if near else f"; names: {', '.join(sorted(names))}"


def _said(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    text = " ".join(str(error).split()) or type(error).__name__
    return f"line {line}: {text}" if line else text


# Code that runs inside a template


class _Environment(sandbox.ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, with operators that check the size of their result first."""

    intercepted_binops = frozenset({"+", "*", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator: to numbers up to NUMBER_MAX; to text and lists only a sum."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if numbers and max(abs(left), abs(right)) > NUMBER_MAX:
            raise BadTemplate(f"makes a number beyond {NUMBER_MAX}")
        if not numbers and operator != "+":
            raise BadTemplate(f"{operator} works on numbers only")
        _measure(left, right)
        return super().call_binop(context, operator, left, right)


def _measure(*values: Any) -> None:
    """Refuse values above the limits."""
    budget = _budget.get(None)
    if budget is not None:
        budget.spend()
    for value in values:
        if isinstance(value, str) and len(value) > VALUE_CHARS_MAX:
            raise BadTemplate(f"makes more than {VALUE_CHARS_MAX} characters")
        if isinstance(value, list | tuple | dict) and len(value) > ITEMS_MAX:
            raise BadTemplate(f"makes more than {ITEMS_MAX} items")


def _measured(function: F) -> F:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        _measure(*args, *kwargs.values())
        result = function(*args, **kwargs)
        _measure(result)
        return result

    return call  # type: ignore[return-value]


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _budget.get().spend(1)
        yield item


def _joined(items: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    text = ""
    for number, item in enumerate(items):
        part = item if attribute is None else _environment.getitem(item, attribute)
        text += (str(separator) if number else "") + str(part)
        _measure(text)
    return text


def _replaced(value: Any, old: str, new: str) -> str:
    text = str(value)
    if not old:
        raise BadTemplate("replace needs a text to look for")
    if len(text) + text.count(old) * len(new) > VALUE_CHARS_MAX:
        raise BadTemplate(f"makes more than {VALUE_CHARS_MAX} characters")
    return text.replace(old, new)


def _indented(text: Any, width: int = 4, first: bool = False) -> str:
    pad = " " * min(max(int(width), 0), WIDTH_MAX)
    return _joined([pad if first else "", _replaced(text, "\n", "\n" + pad)])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _shown(value: Any) -> str:
    """The text of an expression in {{ and }}; empty for None."""
    if value is None:
        return ""
    if not isinstance(value, str | int | float | jinja2.Undefined):
        kind = type(value).__name__
        raise BadTemplate(f"a {kind} can't be shown: show one of its items, or join them")
    _measure(value)
    # An undefined name raises an error that names it.
    return str(value)


def _range(*args: int) -> range:
    numbers = range(*args)
    if len(numbers) > ITEMS_MAX:
        raise BadTemplate(f"range must have at most {ITEMS_MAX} items")
    return numbers


def _made() -> _Environment:
    environment = _Environment(
        autoescape=False,
        # Constants are not folded, as folding happens outside of any budget.
        optimized=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        cache_size=0,
        finalize=_shown,
    )
    environment.globals = {"range": _range}
    known: dict[str, Callable[..., Any]] = {n: environment.filters[n] for n in _FILTERS}
    known |= {"join": _joined, "replace": _replaced, "indent": _indented, "tojson": _json}
    known |= {"ticketing_counted": _counted, "ticketing_joined": _joined}
    environment.filters = {
        name: one if name == "ticketing_counted" else _measured(one) for name, one in known.items()
    }
    return environment


_environment = _made()
