"""The configured models through litellm's Router: in order, each with its cooldown.

litellm takes seconds and more than a hundred megabytes to import, so it is imported for the first
question, in a thread, and never in a process without questions.

The Router keeps a group per provider and lets a failed provider rest, honouring Retry-After. This
module walks from one provider to the next, as the Router does not recognize two kinds of failure:
an endless answer (its clients limit a read, not the whole), and an answer of the wrong form.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, TypeVar

import structlog

from ticketing import metrics
from ticketing.config.insight import Llm, LlmProvider
from ticketing.config.values import reveal
from ticketing.errors import Retryable
from ticketing.extras import require
from ticketing.llm import long_answers, redirects

T = TypeVar("T")

log = structlog.get_logger(__name__)

GRACE_SECONDS = 1.0
"""Seconds beyond `llm.timeout` until a call is cancelled; its own timeout should be first."""
NO_KEY = "none"
"""Placeholder key, for clients that require a key where the endpoint does not."""
LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai", "httpx", "httpcore")
_QUIET = {
    # Prices, headers and presets come from the installed package, so that litellm makes no requests
    # of its own.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_TELEMETRY": "False",
    # In any other mode litellm reads a .env file from the working directory.
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "CRITICAL",
}
CUT_OFF = "the answer was cut off by its length: raise llm.maxAnswerTokens"
_STATUS = re.compile(r"[1-5]\d\d")


class Outcome(str, Enum):
    """The outcome of a call of one provider; a closed list, as it labels a metric."""

    ANSWERED = "answered"
    RESTING = "resting"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    WRONG_ANSWER = "wrong_answer"
    ERROR = "error"


FAILURES = frozenset(Outcome) - {Outcome.ANSWERED, Outcome.RESTING}


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of one provider; `detail` is short and holds no secret."""

    provider: str
    outcome: Outcome
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.provider}: {self.detail or self.outcome.value.replace('_', ' ')}"


class NoAnswer(Retryable):
    """No provider gave a usable answer."""

    def __init__(self, failures: Sequence[Failure], cost: float = 0.0) -> None:
        self.failures = tuple(failures)
        self.cost = cost
        super().__init__("; ".join(map(str, failures)) or "no provider is configured")

    @property
    def nobody_asked(self) -> bool:
        """True if every provider rests, so that no call was made."""
        return all(one.outcome is Outcome.RESTING for one in self.failures)


@dataclass(frozen=True, slots=True)
class PaidAnswer(Generic[T]):
    """A usable answer, and its cost in US dollars with all failed attempts."""

    value: T
    provider: LlmProvider
    cost: float
    seconds: float
    failures: tuple[Failure, ...] = ()


def label(provider: LlmProvider) -> str:
    """The name of a provider and its model in logs and metrics."""
    return f"{provider.provider}/{provider.model}"


class Models:
    """Asks the configured providers, in order, until one gives a usable answer."""

    def __init__(
        self,
        llm: Llm,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        cooldowns: bool = True,
    ) -> None:
        self._llm = llm
        self._clock = clock
        self._wall = wall
        self._cooldowns = cooldowns
        self._router: Any = None
        self._opening = asyncio.Lock()
        self._rests_until: dict[int, float] = {}

    async def open(self) -> None:
        """Import litellm and create the Router, so that the first question need not wait."""
        await self._opened()

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        read: Callable[[str | None], T],
        *,
        tokens_max: int | None = None,
        json_object: bool = True,
    ) -> PaidAnswer[T]:
        """An answer that `read` accepts; `read` raises ValueError for the wrong form.

        Raises NoAnswer. Takes at most the timeout for each provider; safe to repeat, at a cost.
        """
        router = await self._opened()
        failures: list[Failure] = []
        cost = 0.0
        for number, provider in enumerate(self._llm.chain):
            began, cut_off = self._clock(), False
            if self._cooldowns and began < self._rests_until.get(number, 0.0):
                failures.append(Failure(label(provider), Outcome.RESTING))
                continue
            try:
                answer = await self._call(router, number, messages, tokens_max, json_object)
                cost += _cost_of(answer, provider)
                cut_off = _is_cut_off(answer)
                value = read(_text_of(answer))
            except Exception as error:  # noqa: BLE001
                # litellm passes on any exception of a provider's client; each means no answer.
                failure = _failure(provider, error)
                if cut_off:
                    failure = replace(failure, detail=CUT_OFF)
                failures.append(failure)
                self._note(number, failure.outcome, began)
                continue
            self._note(number, Outcome.ANSWERED, began)
            metrics.llm_cost_usd_total.inc(cost)
            return PaidAnswer(value, provider, cost, self._clock() - began, tuple(failures))
        metrics.llm_cost_usd_total.inc(cost)
        raise NoAnswer(failures, cost)

    async def _call(
        self,
        router: Any,
        number: int,
        messages: Sequence[Mapping[str, str]],
        tokens_max: int | None,
        json_object: bool,
    ) -> Any:
        wanted: dict[str, Any] = {"max_tokens": tokens_max or self._llm.max_answer_tokens}
        if json_object:
            wanted["response_format"] = {"type": "json_object"}
        asked = router.acompletion(
            model=_group(number), messages=[dict(m) for m in messages], temperature=0, **wanted
        )
        return await asyncio.wait_for(asked, self._llm.timeout + GRACE_SECONDS)

    def _note(self, number: int, outcome: Outcome, began: float) -> None:
        now = self._clock()
        name = label(self._llm.chain[number])
        metrics.llm_calls_total.labels(name, outcome.value).inc()
        if outcome is Outcome.RESTING:
            return
        metrics.llm_seconds.observe(now - began)
        if outcome is Outcome.ANSWERED:
            self._rests_until.pop(number, None)
            metrics.llm_rests_until_seconds.labels(name).set(0.0)
            return
        metrics.llm_rests_until_seconds.labels(name).set(self._wall() + self._llm.cooldown)
        if outcome in (Outcome.TIMEOUT, Outcome.WRONG_ANSWER):
            # Outcomes that the Router does not see, or not as a failure.
            self._rests_until[number] = now + self._llm.cooldown
        log.warning("llm_failed", provider=name, outcome=outcome.value)

    async def _opened(self) -> Any:
        async with self._opening:
            if self._router is None:
                self._router = await asyncio.to_thread(_open, self._llm, self._cooldowns)
            return self._router


def _group(number: int) -> str:
    return f"provider-{number}"


def _open(llm: Llm, cooldowns: bool) -> Any:
    require("llm", "llm.provider")
    os.environ.update(_QUIET)
    import litellm
    from litellm.types.router import AllowedFailsPolicy

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    # Parameters that a model does not support, such as JSON mode, are left out, not refused.
    litellm.drop_params = True
    redirects.forbid()
    long_answers.bound()
    silence()
    # Without a policy of its own, the Router never lets a group's only deployment rest.
    at_once = AllowedFailsPolicy(**dict.fromkeys(AllowedFailsPolicy.model_fields, 0))
    return litellm.Router(
        model_list=[_deployment(llm, number, one) for number, one in enumerate(llm.chain)],
        num_retries=0,
        timeout=llm.timeout,
        cooldown_time=llm.cooldown,
        allowed_fails_policy=at_once,
        disable_cooldowns=not cooldowns,
        set_verbose=False,
    )


def silence() -> None:
    """Keep litellm and its clients from logging: their lines may hold requests and keys."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.CRITICAL + 1)


def _deployment(llm: Llm, number: int, provider: LlmProvider) -> dict[str, Any]:
    model = provider.model
    if not model.startswith(f"{provider.provider}/"):
        model = f"{provider.provider}/{model}"
    params: dict[str, Any] = {"model": model, "timeout": llm.timeout, "max_retries": 0}
    if provider.endpoint:
        params["api_base"] = provider.endpoint
    key = reveal(provider.api_key) or (NO_KEY if provider.endpoint else "")
    if key:
        params["api_key"] = key
    return {
        "model_name": _group(number),
        "litellm_params": params,
        "model_info": {"id": _group(number)},
    }


def _text_of(answer: Any) -> str | None:
    choices = getattr(answer, "choices", None)
    content = choices[0].message.content if choices else None
    return content if isinstance(content, str) else None


def _is_cut_off(answer: Any) -> bool:
    """True for an answer that ended at the longest length that was asked for."""
    choices = getattr(answer, "choices", None) or []
    return any(getattr(one, "finish_reason", None) == "length" for one in choices[:1])


def _cost_of(answer: Any, provider: LlmProvider) -> float:
    """US dollars by litellm's price list and the configured name; 0 for an unlisted model."""
    import litellm

    name = f"{provider.provider}/{provider.model.removeprefix(provider.provider + '/')}"
    try:
        usage = answer.usage
        prices = litellm.cost_per_token(
            model=name,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
        )
        return max(0.0, float(sum(prices)))
    except Exception:  # noqa: BLE001
        # An unknown model raises one error or another; the budget of calls still limits it.
        return 0.0


def _failure(provider: LlmProvider, error: Exception) -> Failure:
    name = label(provider)
    kind = type(error).__name__
    status = getattr(error, "status_code", None)
    if isinstance(error, asyncio.TimeoutError) or "Timeout" in kind:
        return Failure(name, Outcome.TIMEOUT, "no answer in time")
    if kind.startswith("RouterRateLimitError"):
        return Failure(name, Outcome.RESTING, "resting after a failure")
    if isinstance(error, ValueError) and status is None:
        return Failure(name, Outcome.WRONG_ANSWER, f"wrong answer ({_short(error)})")
    # Only the kind and the status: a provider's message may quote the request and the key.
    detail = f"HTTP {status} ({kind})" if _STATUS.fullmatch(str(status)) else kind
    if status == 429:
        return Failure(name, Outcome.RATE_LIMITED, detail)
    if kind == "APIConnectionError" or "Connection error" in str(error):
        return Failure(name, Outcome.UNREACHABLE, f"can't be reached ({kind})")
    if isinstance(status, int) and 400 <= status < 500:
        return Failure(name, Outcome.REFUSED, detail)
    return Failure(name, Outcome.ERROR, detail)


def _short(error: ValueError) -> str:
    fault = getattr(error, "fault", None)
    return str(error)[:80] if fault is not None else type(error).__name__
