"""Contradictions: settings that are fine one by one and impossible together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ticketing.config.incidents import PLATFORMS
from ticketing.config.kafka_checks import kafka_problems
from ticketing.config.model import Config
from ticketing.config.problems import Problem, nearest
from ticketing.config.process import EMBEDDED, Redis, Web
from ticketing.config.schema import env_name
from ticketing.config.template_names import CLOSING, fault, faults
from ticketing.domain.severity import Severity

_KNOWN_PROVIDERS = (
    *("disabled", "openai", "azure", "anthropic", "bedrock", "vertex_ai", "gemini", "mistral"),
    *("cohere", "groq", "ollama", "ollama_chat", "openrouter", "deepseek", "huggingface", "xai"),
    *("together_ai", "perplexity", "fireworks_ai", "hosted_vllm", "openai_like", "lm_studio"),
    *("llamafile", "watsonx", "databricks", "sagemaker"),
)
"""Only to find misspellings: any other provider is taken as it is."""


def contradictions(config: Config) -> list[Problem]:
    """Everything about a well-formed configuration that can't work."""
    return [
        *kafka_problems(config.kafka),
        *_redis(config.redis),
        *_routing(config),
        *_platforms(config),
        *_templates(config),
        *_anomaly(config),
        *_web(config.web),
        *_llm(config),
    ]


def warnings(config: Config) -> list[str]:
    """What works but is probably not meant."""
    said: list[str] = []
    routed = {name for severity in Severity for name in config.routes(severity)}
    for name in config.enabled_platforms():
        if name not in {*routed, *config.fallback(), *config.escalation.to}:
            said.append(f"{name} is enabled, but nothing is routed to it")
    for severity in Severity:
        if not config.routes(severity):
            said.append(f"{severity.value} incidents go to no platform")
    if "deliver_within" in config.model_fields_set and not config.fallback():
        said.append("deliverWithin is set, but routing.fallback names no platform to tell")
    if config.faust_web.enabled and not is_loopback(config.faust_web.host):
        said.append(f"faustWeb.host is {config.faust_web.host}: its pages know no authentication")
    return said


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _redis(redis: Redis) -> Iterator[Problem]:
    if redis.embedded:
        return
    url = redis.url.get_secret_value()
    text = 'must be "redis://host:port/db", "rediss://...", "unix://path" or "embedded"'
    try:
        parts = urlsplit(url)
        valid = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname)
        valid = valid and parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        near = nearest(url, [EMBEDDED])
        yield Problem(("redis", "url"), text + (f'; did you mean "{near}"?' if near else ""))


def _routing(config: Config) -> Iterator[Problem]:
    for key in ("critical", "high", "medium", "low", "fallback"):
        listed = getattr(config.routing, key)
        if key in config.routing.model_fields_set:
            for name in dict.fromkeys(listed):
                if not config.platform(name).enabled:
                    yield Problem(
                        ("routing", key),
                        f"names {name}, which is not enabled; set {name}.enabled or take it out",
                    )
        if len(set(listed)) < len(listed):
            yield Problem(("routing", key), "names a platform twice")
    yield from _escalation(config)


def _escalation(config: Config) -> Iterator[Problem]:
    for name in config.escalation.to:
        if name in PLATFORMS:
            if not config.platform(name).enabled:
                yield Problem(("escalation", "to"), f"names {name}, which is not enabled")
        elif near := nearest(name, PLATFORMS, cutoff=0.8):
            yield Problem(("escalation", "to"), f'"{name}" is no platform; did you mean "{near}"?')


def _required(config: Config, platform: str, key: str, hint: str = "") -> Iterator[Problem]:
    section = config.platform(platform)
    fields = {field.alias: name for name, field in type(section).model_fields.items()}
    if getattr(section, fields[key]) is None:
        variable = env_name((platform, key))
        yield Problem(
            (platform, key),
            f"is required while {platform} is enabled{hint}; set it or {variable}",
        )


def _platforms(config: Config) -> Iterator[Problem]:
    checks = {
        "pagerduty": _pagerduty,
        "jira": _jira,
        "servicenow": _servicenow,
        "opsgenie": _opsgenie,
        "slack": _slack,
        "zammad": _zammad,
    }
    for name in config.enabled_platforms():
        yield from checks[name](config)
        bundle = config.platform(name).ca_bundle
        if bundle is not None and not bundle.is_file():
            yield Problem((name, "caBundle"), f'there is no file "{bundle}"')


def _templates(config: Config) -> Iterator[Problem]:
    for name in PLATFORMS:
        section = config.platform(name)
        for key, source in (
            ("titleTemplate", section.title_template),
            ("bodyTemplate", section.body_template),
        ):
            problem = None if source is None else fault(source)
            if problem is not None:
                yield Problem((name, key), problem)
    for name, value in config.jira.custom_fields.items():
        for problem in faults(value):
            yield Problem(("jira", "customFields", name), problem)
    problem = fault(config.servicenow.close_notes, CLOSING)
    if problem is not None:
        yield Problem(("servicenow", "closeNotes"), problem)


def _pagerduty(config: Config) -> Iterator[Problem]:
    section = config.pagerduty
    if len(section.routing_keys) < len(Severity):
        yield from _required(
            config, "pagerduty", "routingKey", " (or routingKeys for all four severities)"
        )
    if section.api_token is None:
        for key, given in (
            ("escalationPolicies", section.escalation_policies.names()),
            ("priorities", section.priorities),
        ):
            if given:
                yield Problem(("pagerduty", key), "needs pagerduty.apiToken")


def _jira(config: Config) -> Iterator[Problem]:
    section = config.jira
    yield from _required(config, "jira", "baseUrl")
    yield from _required(config, "jira", "apiToken")
    if len(section.projects.severities) < len(Severity):
        yield from _required(config, "jira", "projectKey")
    site = urlsplit(section.base_url or "").hostname or ""
    if section.flavour == "cloud" or (
        section.flavour == "auto" and site.endswith(".atlassian.net")
    ):
        yield from _required(config, "jira", "userEmail", " on Jira Cloud")
    for label in section.labels:
        if re.search(r"\s", label):
            yield Problem(("jira", "labels"), f'"{label}": Jira allows no spaces in labels')


def _servicenow(config: Config) -> Iterator[Problem]:
    section = config.servicenow
    if section.instance and section.instance_url:
        yield Problem(("servicenow", "instance"), "contradicts instanceUrl: give one of them")
    elif not section.instance:
        yield from _required(config, "servicenow", "instanceUrl", " (or instance)")
    if section.client_id or section.client_secret:
        yield from _required(config, "servicenow", "clientId", " with clientSecret")
        yield from _required(config, "servicenow", "clientSecret", " with clientId")
        if section.username:
            yield from _required(config, "servicenow", "password", " with username")
    else:
        hint = " (or clientId and clientSecret)"
        yield from _required(config, "servicenow", "username", hint)
        yield from _required(config, "servicenow", "password", hint)


def _opsgenie(config: Config) -> Iterator[Problem]:
    yield from _required(config, "opsgenie", "apiKey")
    section = config.opsgenie
    full = (section.cloud_id, section.user_email, section.api_token)
    if section.flavour == "jsm" and any(full):
        for key in ("cloudId", "userEmail", "apiToken"):
            yield from _required(config, "opsgenie", key, " with the others of its kind")
    elif section.flavour == "jsm":
        for key, given in (("escalation", section.escalation), ("schedule", section.schedule)):
            if given:
                yield Problem(("opsgenie", key), "needs cloudId, userEmail and apiToken with jsm")


def _slack(config: Config) -> Iterator[Problem]:
    section = config.slack
    if section.bot_token is None:
        yield from _required(config, "slack", "webhookUrl", " (or botToken and channel)")
        if section.channels.names():
            yield Problem(("slack", "channels"), "needs slack.botToken: a webhook has one channel")
    elif len(section.channels.severities) < len(Severity):
        yield from _required(config, "slack", "channel", " with a botToken")


def _zammad(config: Config) -> Iterator[Problem]:
    yield from _required(config, "zammad", "baseUrl")
    yield from _required(config, "zammad", "token")


def _anomaly(config: Config) -> Iterator[Problem]:
    levels = config.anomaly.severity_thresholds
    if not levels.critical > levels.high > levels.medium:
        yield Problem(
            ("anomaly", "severityThresholds"),
            f"must fall from critical to medium, not {levels.critical:g}, {levels.high:g}, "
            f"{levels.medium:g}",
        )
    names = [rule.name for rule in config.anomaly.pattern_rules]
    if len(set(names)) < len(names):
        yield Problem(("anomaly", "patternRules"), "has two rules of one name")
    if config.anomaly.lookback_window < 1:
        yield Problem(("anomaly", "lookbackWindow"), "must be at least one second")
    if len(set(config.input.topics)) < len(config.input.topics):
        yield Problem(("input", "topics"), "names a topic twice")
    for topic in config.input.topics:
        if topic.startswith("ticketing-"):
            yield Problem(("input", "topics"), f"{topic} is one of our own topics")
    if config.retention < config.reopen_window:
        yield Problem(("retention",), "must be at least as long as reopenWindow")
    if config.delivery.backoff_max < config.delivery.backoff_min:
        yield Problem(("delivery", "backoffMax"), "must be at least as long as backoffMin")


def _web(web: Web) -> Iterator[Problem]:
    if web.token is None and not is_loopback(web.host):
        yield Problem(("web", "token"), f"is required while web.host is {web.host}")


def _llm(config: Config) -> Iterator[Problem]:
    llm = config.llm
    single = llm.provider != "disabled"
    if single and llm.providers:
        yield Problem(("llm", "providers"), "contradicts llm.provider: give one of them")
    elif single and llm.model is None:
        yield Problem(("llm", "model"), "is required with llm.provider")
    elif "provider" in llm.model_fields_set and not single and llm.providers:
        yield Problem(("llm", "providers"), "contradicts llm.provider being disabled")
    elif not single and not llm.providers and (llm.model or llm.api_key):
        yield Problem(("llm", "provider"), "is required with llm.model or llm.apiKey")
    for path, name in [
        (("llm", "provider"), llm.provider),
        *((("llm", "providers", i), each.provider) for i, each in enumerate(llm.providers)),
    ]:
        near = nearest(name, _KNOWN_PROVIDERS, cutoff=0.85)
        if near and near != name:
            yield Problem(path, f'"{name}" is no provider; did you mean "{near}"?')
