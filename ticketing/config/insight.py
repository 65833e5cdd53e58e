"""The settings of explanations: traces, correlation and summaries."""

from __future__ import annotations

from pydantic import Field

from ticketing.config.values import Duration, KnownSeverity, Name, Secret, Section, Url


class LlmProvider(Section):
    """A language model."""

    provider: Name
    """Any provider that litellm knows, such as `openai`, `anthropic`, `ollama`."""
    model: Name
    """The model, as the provider calls it."""
    api_key: Secret | None = None
    """The provider's key, if it needs one."""
    endpoint: Url | None = None
    """The provider's address, for local ones and gateways."""


class LlmBudget(Section):
    """Limits on the cost of summaries."""

    # A bound against surprises, to be raised on purpose: the calls bound models without a price.
    per_day: float = Field(default=5.0, ge=0)
    """US dollars per tenant and day (UTC), by litellm's price list."""
    calls_per_day: int = Field(default=500, ge=0)
    """Calls per tenant and day (UTC); holds for models without a price too."""
    # Several tenants' budgets: names of tenants come from logs, and cost nothing to make up.
    total_per_day: float = Field(default=20.0, ge=0)
    """US dollars for all tenants together and day (UTC)."""
    total_calls_per_day: int = Field(default=2000, ge=0)
    """Calls for all tenants together and day (UTC)."""
    # A storm's worst incidents are asked about at once, the others within minutes.
    calls_per_minute: int = Field(default=20, ge=0)
    """Calls for all tenants together and minute."""


class Llm(Section):
    """Summaries by a language model. Off unless a provider is named."""

    provider: Name = "disabled"
    """`disabled`, or any provider that litellm knows."""
    model: Name | None = None
    """The model, as the provider calls it."""
    api_key: Secret | None = None
    """The provider's key, if it needs one."""
    endpoint: Url | None = None
    """The provider's address, for local ones and gateways."""
    providers: tuple[LlmProvider, ...] = ()
    """Providers in the order they are tried, in place of a single one."""
    # A ticket does not wait for an answer, but several providers in a row should end within a
    # minute or so.
    timeout: Duration = 20.0
    """Longest time that one call may take."""
    cooldown: Duration = 60.0
    """Time for which a provider that failed gets no calls."""
    # A storm is asked about a few incidents at a time, worst first, within the usual rate limits.
    concurrency: int = Field(default=4, ge=1, le=64)
    """Calls under way at once, per worker."""
    # Room for the fullest prompt of ordinary incidents, and for a summary with its steps.
    max_prompt_tokens: int = Field(default=6000, ge=500)
    """Longest prompt, in tokens."""
    max_answer_tokens: int = Field(default=1200, ge=100)
    """Longest answer, in tokens."""
    may_raise_severity: bool = False
    """Lets the model raise an incident's severity; it never lowers one."""
    budget: LlmBudget = LlmBudget()
    """Limits on the cost of summaries."""

    @property
    def chain(self) -> tuple[LlmProvider, ...]:
        """The providers in order; empty when summaries by a model are off."""
        if self.providers or self.provider == "disabled" or self.model is None:
            return self.providers
        single = LlmProvider(
            provider=self.provider,
            model=self.model,
            api_key=self.api_key,
            endpoint=self.endpoint,
        )
        return (single,)


class Traces(Section):
    """Correlation of incidents with the traces of their requests."""

    enabled: bool = True
    """Follows logs that have a trace id; logs without one cost nothing."""
    # Bounds of memory: for an incident, for a trace, and for all traces of a worker.
    samples: int = Field(default=5, ge=1, le=50)
    """Traces kept per incident, the most informative ones."""
    spans_max: int = Field(default=500, ge=10, le=10_000)
    """Spans kept of one trace."""
    buffer_spans: int = Field(default=500_000, ge=1000)
    """Spans kept in memory per worker; beyond, the oldest are dropped and counted."""
    keep: Duration = 900.0
    """Time for which spans are kept."""
    # A trace through many incidents, such as a batch job's, is no evidence of a link.
    shared_by_max: int = Field(default=20, ge=2)
    """Incidents that may share a trace; a trace of more links none of them."""


class SeverityRule(Section):
    """Raises an incident's severity by its blast radius. Every given bound must be reached."""

    to: KnownSeverity
    """Severity to raise to."""
    services: int | None = Field(default=None, ge=1)
    """Affected services, at least."""
    endpoints: int | None = Field(default=None, ge=1)
    """Affected endpoints, at least."""
    tenants: int | None = Field(default=None, ge=1)
    """Affected tenants, at least."""
    failing_share: float | None = Field(default=None, ge=0, le=1)
    """Share of failing requests, at least."""


class CorrelationRules(Section):
    """Effects of links between incidents."""

    raise_severity: tuple[SeverityRule, ...] = ()
    """Rules by blast radius."""
