"""Checks across settings: values that are each valid and contradict each other."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic.alias_generators import to_camel

from ticketing.config.catalog import TAKEN, Links, link_faults, services_of
from ticketing.config.kafka_checks import kafka_problems
from ticketing.config.link_template import link_fault
from ticketing.config.model import Config
from ticketing.config.platforms import PLATFORMS, PlatformSection
from ticketing.config.platforms.platform import Required
from ticketing.config.problems import Problem, nearest
from ticketing.config.process import EMBEDDED, Input, Redis, sentinels_of
from ticketing.config.schema import env_name
from ticketing.config.template_names import fault
from ticketing.domain.severity import Severity
from ticketing.errors import Misconfigured

_KNOWN_PROVIDERS = (
    *("disabled", "openai", "azure", "anthropic", "bedrock", "vertex_ai", "gemini", "mistral"),
    *("cohere", "groq", "ollama", "ollama_chat", "openrouter", "deepseek", "huggingface", "xai"),
    *("together_ai", "perplexity", "fireworks_ai", "hosted_vllm", "openai_like", "lm_studio"),
    *("llamafile", "watsonx", "databricks", "sagemaker"),
)
"""Providers for suggestions on a misspelling; any other name is accepted too."""


def contradictions(config: Config) -> list[Problem]:
    """The contradictions of a well-formed configuration."""
    return [
        *kafka_problems(config.kafka),
        *_redis(config.redis),
        *_routing(config),
        *_platforms(config),
        *_templates(config),
        *_links(config),
        *_anomaly(config),
        *_input(config.input, config.kafka.prefix),
        *_listeners(config),
        *_oidc(config),
        *_llm(config),
    ]


def warnings(config: Config) -> list[str]:
    """Settings that work but are probably unintended."""
    said: list[str] = []
    routed = {name for severity in Severity for name in config.routes(severity)}
    for name in config.enabled_platforms():
        if name not in {*routed, *config.fallback(), *config.escalation.to}:
            said.append(f"{name} is enabled, but nothing is routed to it")
    for severity in Severity:
        if not config.routes(severity):
            said.append(f"{severity.value} incidents go to no platform")
    if "deliver_within" in config.model_fields_set and not config.fallback():
        said.append("deliverWithin is set, but routing.fallback is empty: name a platform there")
    count = config.anomaly.minimum_count
    own = (counted for service in count.services.values() for counted in service.given().values())
    if config.auto_resolve_after is None and max(*map(count.of, Severity), *own) > 1:
        said.append(
            "anomaly.minimumCount is over 1, but autoResolveAfter is off: incidents with fewer "
            "occurrences stay open without a ticket"
        )
    said += exposed(config)
    return said


def exposed(config: Config) -> list[str]:
    """A sentence for each way by which strangers may read along or come in."""
    return [*_unasked(config), *_unencrypted(config)]


def _unencrypted(config: Config) -> list[str]:
    """A sentence for each listener that other machines reach, as none speaks TLS."""
    return [
        f"{section}.host is {host}, and the worker speaks no TLS: tokens travel readable for everybody"
        " on the way, so put a proxy with TLS before it"
        for section, host in _beyond_loopback(config)
    ]


def _unasked(config: Config) -> Iterator[str]:
    """A proxy before a listener on loopback lets other machines in, as far as the listener knows."""
    public = urlsplit(config.web.public_url or "").hostname
    if public and not is_loopback(public) and not config.asks_for_credentials:
        yield (
            f"web.publicUrl is on {public}, and nobody is asked for a credential: everybody who reaches"
            " the pages there is an admin; set web.token or access.enforced, unless the proxy asks"
        )


def is_loopback(host: str) -> bool:
    """True for an address that only this machine can reach."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _redis(redis: Redis) -> Iterator[Problem]:
    if redis.embedded:
        return
    url = redis.url.get_secret_value()
    text = 'must be "redis://host:port/db", "rediss://...", "unix://path" or "embedded"'
    if redis.ca_bundle is not None:
        if not redis.ca_bundle.is_file():
            yield Problem(("redis", "caBundle"), f'file not found: "{redis.ca_bundle}"')
        if not url.startswith("rediss://"):
            yield Problem(("redis", "caBundle"), "needs an address with rediss://")
    if redis.sentinel_master is None and (redis.sentinel_username or redis.sentinel_password):
        yield Problem(("redis", "sentinelMaster"), "is required with a Sentinel's user or password")
    if redis.sentinel_master is not None:
        text = 'must be "redis://sentinel:port,sentinel:port/db" or the same with rediss://'
    if not _redis_address(url, sentinels=redis.sentinel_master is not None):
        near = nearest(url, [EMBEDDED])
        yield Problem(("redis", "url"), text + (f'; did you mean "{near}"?' if near else ""))


def _redis_address(url: str, *, sentinels: bool) -> bool:
    """True for an address that Redis's client can use."""
    try:
        parts = urlsplit(url)
        if sentinels:
            return parts.scheme in ("redis", "rediss") and bool(sentinels_of(url))
        if parts.scheme == "unix":
            return bool(parts.path)
        return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


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
            yield Problem(("routing", key), "lists a platform twice")
    yield from _escalation(config)


def _escalation(config: Config) -> Iterator[Problem]:
    for name in config.escalation.to:
        if name in PLATFORMS:
            if not config.platform(name).enabled:
                yield Problem(("escalation", "to"), f"names {name}, which is not enabled")
        elif near := nearest(name, PLATFORMS, cutoff=0.8):
            yield Problem(
                ("escalation", "to"), f'"{name}" is not a platform; did you mean "{near}"?'
            )


def _platforms(config: Config) -> Iterator[Problem]:
    for name in config.enabled_platforms():
        section = config.platform(name)
        for required in section.required():
            yield from _required(name, section, required)
        for path, text in section.contradictions():
            yield Problem((name, *path), text)
        bundle = section.ca_bundle
        if bundle is not None and not bundle.is_file():
            yield Problem((name, "caBundle"), f'file not found: "{bundle}"')


def _required(name: str, section: PlatformSection, required: Required) -> Iterator[Problem]:
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


def _links(config: Config) -> Iterator[Problem]:
    given: list[tuple[tuple[str, ...], str]] = [
        (("links", name), source) for name, source in config.links.items()
    ]
    if config.picture is not None:
        given.append((("picture",), config.picture))
    for path, source in given:
        problem = link_fault(source)
        if problem is not None:
            yield Problem(path, problem)
    for path, problem in link_faults(config.catalog.services):
        yield Problem(("catalog", *path), problem)
    linked: list[tuple[tuple[str, ...], Links]] = [(("links",), config.links)]
    for service, entry in config.catalog.services.items():
        linked.append((("catalog", "services", service, "links"), entry.links))
    for path, links in linked:
        for name in sorted(links.keys() & TAKEN):
            yield Problem((*path, name), "is the name of a link that every ticket has")
    if config.catalog.file is not None and not config.catalog.file.is_file():
        yield Problem(("catalog", "file"), f'file not found: "{config.catalog.file}"')
        return
    try:
        services_of(config.catalog.file, config.catalog.services)
    except Misconfigured as error:
        yield Problem(("catalog", "file"), str(error))


def _anomaly(config: Config) -> Iterator[Problem]:
    levels = config.anomaly.severity_thresholds
    if not levels.critical > levels.high > levels.medium:
        yield Problem(
            ("anomaly", "severityThresholds"),
            f"must decrease from critical to medium, not {levels.critical:g}, {levels.high:g}, "
            f"{levels.medium:g}",
        )
    names = [rule.name for rule in config.anomaly.pattern_rules]
    if len(set(names)) < len(names):
        yield Problem(("anomaly", "patternRules"), "has two rules with the same name")
    if config.anomaly.lookback_window < 1:
        yield Problem(("anomaly", "lookbackWindow"), "must be at least one second")
    if config.retention < config.reopen_window:
        yield Problem(("retention",), "must be at least as long as reopenWindow")
    if config.delivery.backoff_max < config.delivery.backoff_min:
        yield Problem(("delivery", "backoffMax"), "must be at least as long as backoffMin")


def _input(section: Input, prefix: str) -> Iterator[Problem]:
    if len(set(section.topics)) < len(section.topics):
        yield Problem(("input", "topics"), "lists a topic twice")
    for topic in section.topics:
        if topic.startswith(f"{prefix}ticketing-"):
            yield Problem(("input", "topics"), f"{topic} is a topic that the agent writes itself")
    names = section.fields.names()
    for field in ("anomaly_score", "service"):
        if not names[field]:
            yield Problem(
                ("input", "fields", to_camel(field)),
                "must hold at least one name: without it no record is an anomaly of anything",
            )
    if not (names["message"] or names["error_message"] or names["description"]):
        yield Problem(
            ("input", "fields", "message"),
            "must hold at least one name while errorMessage and description hold none",
        )
    for field, own in section.fields.own().items():
        for name in own:
            if "" in name.split("."):
                yield Problem(
                    ("input", "fields", to_camel(field)),
                    f'"{name}" has an empty part: write one dot between two keys',
                )


def _listeners(config: Config) -> Iterator[Problem]:
    """Refuse to listen for other machines without asking for a credential."""
    if config.asks_for_credentials:
        return
    for section, host in _beyond_loopback(config):
        text = f"is required while {section}.host is {host}, unless access.enforced is true"
        yield Problem(("web", "token"), text)


def _oidc(config: Config) -> Iterator[Problem]:
    oidc = config.access.oidc
    if oidc.issuer is None:
        return
    if oidc.client_id is None:
        yield Problem(("access", "oidc", "clientId"), "is required with access.oidc.issuer")
    issuer = urlsplit(oidc.issuer)
    if issuer.scheme != "https" and not is_loopback(issuer.hostname or ""):
        yield Problem(("access", "oidc", "issuer"), "must be an https URL")
    if config.web.public_url is None:
        text = "is required with access.oidc.issuer: the provider sends people back to it"
        yield Problem(("web", "publicUrl"), text)
    if "openid" not in oidc.scopes:
        yield Problem(("access", "oidc", "scopes"), 'must hold "openid"')
    if not oidc.role_map and oidc.default_role is None:
        text = "is required without access.oidc.defaultRole: nobody would have a role"
        yield Problem(("access", "oidc", "roleMap"), text)


def _beyond_loopback(config: Config) -> Iterator[tuple[str, str]]:
    """The sections of listeners that other machines reach, with their addresses."""
    listened = {"web": config.web.host}
    if config.metrics.enabled:
        listened["metrics"] = config.metrics.host
    if config.faust_web.enabled:
        listened["faustWeb"] = config.faust_web.host
    for section, host in listened.items():
        if not is_loopback(host):
            yield section, host


def _llm(config: Config) -> Iterator[Problem]:
    llm = config.llm
    single = llm.provider != "disabled"
    if single and llm.providers:
        yield Problem(("llm", "providers"), "can't be set beside llm.provider: set one of them")
    elif single and llm.model is None:
        yield Problem(("llm", "model"), "is required with llm.provider")
    elif "provider" in llm.model_fields_set and not single and llm.providers:
        yield Problem(("llm", "providers"), 'can\'t be set while llm.provider is "disabled"')
    elif (
        "provider" not in llm.model_fields_set and (llm.model or llm.api_key) and not llm.providers
    ):
        yield Problem(("llm", "provider"), "is required with llm.model or llm.apiKey")
    for path, name in [
        (("llm", "provider"), llm.provider),
        *((("llm", "providers", i), each.provider) for i, each in enumerate(llm.providers)),
    ]:
        near = nearest(name, _KNOWN_PROVIDERS, cutoff=0.85)
        if near and near != name:
            yield Problem(path, f'"{name}" is not a known provider; did you mean "{near}"?')
