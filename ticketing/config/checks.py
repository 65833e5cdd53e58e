"""Contradictions: settings that are fine one by one and impossible together."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from ticketing.config.model import Config
from ticketing.config.platforms import PLATFORMS, Platform
from ticketing.config.platforms.platform import Required
from ticketing.config.problems import Problem, nearest
from ticketing.config.process import EMBEDDED, EMBEDDED_PARTITIONS
from ticketing.config.schema import env_name
from ticketing.config.template_names import fault
from ticketing.domain.severity import Severity

_KNOWN_PROVIDERS = (
    *("disabled", "openai", "azure", "anthropic", "bedrock", "vertex_ai", "gemini", "mistral"),
    *("cohere", "groq", "ollama", "ollama_chat", "openrouter", "deepseek", "huggingface", "xai"),
    *("together_ai", "perplexity", "fireworks_ai", "hosted_vllm", "openai_like", "lm_studio"),
    *("llamafile", "watsonx", "databricks", "sagemaker"),
)
"""Only to find misspellings: any other provider is taken as it is."""
_BROKER = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


def contradictions(config: Config) -> list[Problem]:
    """Everything about a well-formed configuration that can't work."""
    return [
        *_addresses(config),
        *_routing(config),
        *_platforms(config),
        *_templates(config),
        *_anomaly(config),
        *_infrastructure(config),
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


def _addresses(config: Config) -> Iterator[Problem]:
    if not config.kafka.embedded:
        for broker in config.kafka.brokers.split(","):
            match = _BROKER.fullmatch(broker.strip())
            if match is None or not 0 < int(match[2]) < 65536:
                near = nearest(config.kafka.brokers, [EMBEDDED])
                text = 'must be "host:port,host:port" or "embedded"'
                yield Problem(
                    ("kafka", "brokers"), text + (f'; did you mean "{near}"?' if near else "")
                )
                break
    if not config.redis.embedded:
        yield from _redis(config.redis.url.get_secret_value())


def _redis(url: str) -> Iterator[Problem]:
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


def _platforms(config: Config) -> Iterator[Problem]:
    for name in config.enabled_platforms():
        section = config.platform(name)
        for required in section.required():
            yield from _required(name, section, required)
        for path, text in section.contradictions():
            yield Problem((name, *path), text)
        bundle = section.ca_bundle
        if bundle is not None and not bundle.is_file():
            yield Problem((name, "caBundle"), f'there is no file "{bundle}"')


def _required(name: str, section: Platform, required: Required) -> Iterator[Problem]:
    fields = {field.alias: field_name for field_name, field in type(section).model_fields.items()}
    if getattr(section, fields[required.key]) is None:
        variable = env_name((name, required.key))
        yield Problem(
            (name, required.key),
            f"is required while {name} is enabled{required.hint}; set it or {variable}",
        )


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
        for path, text in section.faulty_templates():
            yield Problem((name, *path), text)


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


def _infrastructure(config: Config) -> Iterator[Problem]:
    kafka = config.kafka
    if kafka.embedded and kafka.partitions != EMBEDDED_PARTITIONS:
        yield Problem(("kafka", "partitions"), "must be 4 with the embedded broker")
    if kafka.embedded and kafka.security_protocol != "PLAINTEXT":
        yield Problem(("kafka", "securityProtocol"), "must be PLAINTEXT with the embedded broker")
    if kafka.replication_factor == 0:
        yield Problem(("kafka", "replicationFactor"), "must be -1 or at least 1, not 0")
    if kafka.security_protocol.startswith("SASL"):
        for key, given in (
            ("saslMechanism", kafka.sasl_mechanism),
            ("username", kafka.username),
            ("password", kafka.password),
        ):
            if given is None:
                yield Problem(("kafka", key), f"is required with {kafka.security_protocol}")
    elif kafka.sasl_mechanism or kafka.password:
        yield Problem(
            ("kafka", "securityProtocol"), "must be SASL_SSL or SASL_PLAINTEXT with SASL settings"
        )
    if (kafka.client_certificate is None) != (kafka.client_key is None):
        yield Problem(("kafka", "clientCertificate"), "and clientKey go together")
    for key, file in (
        ("caBundle", kafka.ca_bundle),
        ("clientCertificate", kafka.client_certificate),
        ("clientKey", kafka.client_key),
    ):
        if file is not None and not file.is_file():
            yield Problem(("kafka", key), f'there is no file "{file}"')
    yield from _listeners(config)


def _listeners(config: Config) -> Iterator[Problem]:
    """Without a token nothing is served to other machines."""
    if config.web.token is not None:
        return
    listened = {"web": config.web.host}
    if config.metrics.enabled:
        listened["metrics"] = config.metrics.host
    for section, host in listened.items():
        if not is_loopback(host):
            yield Problem(("web", "token"), f"is required while {section}.host is {host}")


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
