"""The chart rendered by helm: valid manifests, the roles of the code, and refusals with the fix."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.helm import (
    CHART,
    KUBERNETES,
    NAMESPACE,
    RELEASE,
    VALUES,
    rendered,
    run,
    template,
    values_file,
)

from ticketing.config.loading import load
from ticketing.config.platforms import PLATFORMS
from ticketing.roles import PIPELINE
from ticketing.worker import roles

pytestmark = pytest.mark.helm

FILES = sorted(VALUES.glob("*.yaml"))
CUSTOM = {
    "ExternalSecret": "external-secrets.io/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
}
"""Kinds that Kubernetes itself has no schema of."""
BASE: dict[str, Any] = {
    "secrets": {"existingSecret": "s"},
    "config": {"kafka": {"brokers": "kafka:9092"}, "redis": {"url": "redis://redis"}},
}

by_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@cache
def manifests(file: Path) -> list[dict[str, Any]]:
    return rendered(file)


def of_kind(found: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [one for one in found if one["kind"] in kinds]


def workloads(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """StatefulSets and Deployments by their role."""
    return {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: one
        for one in of_kind(found, "StatefulSet", "Deployment")
    }


def pods(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The specification of every pod."""
    templated = of_kind(found, "StatefulSet", "Deployment", "Job")
    alone = [one["spec"] for one in of_kind(found, "Pod")]
    return [*(one["spec"]["template"]["spec"] for one in templated), *alone]


def configuration(found: list[dict[str, Any]]) -> dict[str, Any]:
    (config,) = (
        one["data"]["ticketing.json"]
        for one in of_kind(found, "ConfigMap")
        if "ticketing.json" in one["data"] and "annotations" not in one["metadata"]
    )
    return dict(json.loads(config))


def refusal(tmp_path: Path, *changes: dict[str, Any]) -> str:
    """What helm says to values that it must refuse."""
    files = []
    for number, change in enumerate([BASE, *changes]):
        directory = tmp_path / str(number)
        directory.mkdir()
        files.append(values_file(directory, change))
    done = template(*files)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_there_are_values_of_every_sort() -> None:
    assert len(FILES) >= 6


def test_a_role_mounts_a_secret_of_its_own(tmp_path: Path) -> None:
    change = {"secrets": {"existingSecret": "s", "byRole": {"traces": "of-traces"}}}
    found = rendered(values_file(tmp_path, {**BASE, **change}))
    mounted = {
        role: [
            volume["secret"]["secretName"]
            for volume in one["spec"]["template"]["spec"]["volumes"]
            if volume["name"] == "secrets"
        ]
        for role, one in workloads(found).items()
    }
    assert mounted.pop("traces") == ["of-traces"]
    assert mounted
    assert set(map(tuple, mounted.values())) == {("s",)}


@by_file
def test_every_manifest_is_valid(file: Path) -> None:
    for one in manifests(file):
        if one["kind"] in CUSTOM:
            assert one["apiVersion"] == CUSTOM[one["kind"]]
        else:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)


@by_file
def test_helm_finds_nothing_to_complain_of(file: Path) -> None:
    done = run("lint", "--strict", CHART, "--values", file)
    assert done.returncode == 0, done.stdout


@by_file
def test_the_roles_are_those_of_the_code(file: Path, tmp_path: Path) -> None:
    found = manifests(file)
    written = tmp_path / "ticketing.json"
    written.write_text(json.dumps(configuration(found)))
    config = load(written, {}, without_secrets=True)
    running = workloads(found)
    assert sorted(running) == sorted(roles(config))
    for role, one in running.items():
        stateful = role == PIPELINE or role in PLATFORMS
        assert one["kind"] == ("StatefulSet" if stateful else "Deployment")
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["worker", role]
        names = {variable["name"] for variable in container["env"]}
        assert ("TICKETING_KAFKA__GROUP_INSTANCE_ID" in names) is stateful


@by_file
def test_every_selector_finds_its_pods_and_no_others(file: Path) -> None:
    found = manifests(file)
    running = workloads(found)
    labels = {role: one["spec"]["template"]["metadata"]["labels"] for role, one in running.items()}
    for role, one in running.items():
        wanted = one["spec"]["selector"]["matchLabels"].items()
        assert [name for name, given in labels.items() if wanted <= given.items()] == [role]
    for budget in of_kind(found, "PodDisruptionBudget"):
        wanted = budget["spec"]["selector"]["matchLabels"].items()
        assert sum(wanted <= given.items() for given in labels.values()) == 1
    api, every = of_kind(found, "Service")
    wanted = api["spec"]["selector"].items()
    assert {name for name, given in labels.items() if wanted <= given.items()} == {"view", "api"}
    assert all(every["spec"]["selector"].items() <= given.items() for given in labels.values())
    others = [
        one["metadata"]["labels"]
        if one["kind"] == "Pod"
        else one["spec"]["template"]["metadata"]["labels"]
        for one in of_kind(found, "Job", "Pod")
    ]
    assert not any(every["spec"]["selector"].items() <= given.items() for given in others)


@by_file
def test_no_container_may_more_than_it_needs(file: Path) -> None:
    for pod in pods(manifests(file)):
        assert pod["automountServiceAccountToken"] is False
        # A service named like the agent would otherwise set variables that look like settings.
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}


@by_file
def test_what_is_mounted_exists(file: Path) -> None:
    for one in manifests(file):
        claimed = (
            {c["metadata"]["name"] for c in one["spec"].get("volumeClaimTemplates", [])}
            if "spec" in one
            else set()
        )
        for pod in pods([one]):
            volumes = {volume["name"] for volume in pod["volumes"]}
            assert not claimed & volumes
            for container in [*pod["containers"], *pod.get("initContainers", [])]:
                mounted = {mount["name"] for mount in container["volumeMounts"]}
                assert mounted == volumes | claimed


def test_values_of_logclaw_are_taken() -> None:
    config = configuration(manifests(VALUES / "logclaw.yaml"))
    assert config["jira"]["projectKey"] == "SRE"
    assert config["anomaly"]["lookbackWindow"] == "15m"
    assert config["kafka"]["brokers"] == "kafka-0.kafka:9092,kafka-1.kafka:9092"


def test_the_chart_is_a_dependency_by_the_name_of_logclaws(tmp_path: Path) -> None:
    umbrella = tmp_path / "umbrella"
    shutil.copytree(CHART, umbrella / "charts" / "ticketing-agent")
    described = {
        "apiVersion": "v2",
        "name": "umbrella",
        "version": "1.0.0",
        "dependencies": [
            {"name": "ticketing-agent", "version": "0.1.0", "alias": "logclaw-ticketing-agent"}
        ],
    }
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(described))
    given = {"logclaw-ticketing-agent": {**BASE}, "global": {"tenantId": "t"}}
    given["logclaw-ticketing-agent"]["config"] = {**BASE["config"], "pagerduty": {"enabled": True}}
    found = rendered(values_file(tmp_path, given), chart=umbrella)
    assert "pagerduty" in workloads(found)
    assert configuration(found)["kafka"]["brokers"] == "kafka:9092"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": {"kafka": {"brokers": None}}}, "config.kafka.brokers: set the address"),
        ({"config": {"kafka": {"brokers": "embedded"}}}, "config.kafka.brokers: set the address"),
        ({"config": {"redis": {"url": "embedded"}}}, "config.redis.url: must not be"),
        ({"config": {"redis": {"url": "redis://:pw@redis"}}}, "put redis.url into the Secret"),
        ({"config": {"slack": {"botToken": "xoxb-1"}}}, "config.slack.botToken is a secret"),
        ({"config": {"web": {"token": "abc"}}}, "config.web.token is a secret"),
        (
            {"config": {"pagerduty": {"services": {"a": "b"}}}},
            "config.pagerduty.services is a secret",
        ),
        (
            {"config": {"llm": {"providers": [{"provider": "x", "model": "m", "apiKey": "k"}]}}},
            "config.llm.providers[].apiKey is a secret",
        ),
        (
            {"logclaw-ticketing-agent": {"config": {"zammad": {"token": "abc"}}}},
            "config.zammad.token is a secret",
        ),
        ({"config": {"kafka": {"partitions": 1}}}, "roles.pipeline.replicas: 2 is over"),
        ({"config": {"metrics": {"enabled": False}}}, "config.metrics.enabled: must not be false"),
        ({"config": {"web": {"port": 0}}}, "config.web.port: must not be 0"),
        ({"config": {"kafka": {"groupInstanceId": "a"}}}, "config.kafka.groupInstanceId: leave it"),
        (
            {"defaults": {"extraEnv": [{"name": "TICKETING_KAFKA__PREFIX", "value": "a-"}]}},
            "defaults.extraEnv: TICKETING_KAFKA__PREFIX sets what manifests are made from",
        ),
        (
            {"roles": {"pipeline": {"extraEnv": [{"name": "TICKETING_SLACK__ENABLED"}]}}},
            "roles.pipeline.extraEnv: TICKETING_SLACK__ENABLED",
        ),
        (
            {"defaults": {"extraEnv": [{"name": "TICKETING_KAFKA__BROKERS", "value": "k:9093"}]}},
            "defaults.extraEnv: TICKETING_KAFKA__BROKERS sets what manifests are made from",
        ),
        (
            {"roles": {"slack": {"extraEnv": [{"name": "TICKETING_TELEMETRY__OTLP__ENDPOINT"}]}}},
            "roles.slack.extraEnv: TICKETING_TELEMETRY__OTLP__ENDPOINT",
        ),
        ({"secrets": {"byRole": {"piepline": "own"}}}, "piepline"),
        ({"secrets": {"byRole": {"adapter": "own"}}}, "adapter"),
        (
            {"secrets": {"existingSecret": "", "byRole": {"slack": "own"}}},
            "secrets.byRole: set secrets.existingSecret too",
        ),
        ({"secrets": {"externalSecret": {"enabled": True}}}, "storeRef.name: name the SecretStore"),
        ({"config": {"anomaly": {"minimumScor": 0.9}}}, "minimumScor"),
        ({"config": {"anomaly": {"lookbackWindow": "15 parsecs"}}}, "lookbackWindow"),
        ({"config": {"routing": {"critical": ["pagerdooty"]}}}, "critical"),
        ({"replicaCount": 3}, "replicaCount"),
        ({"roles": {"piepline": {}}}, "piepline"),
        ({"roles": {"pipeline": {"replicas": -1}}}, "replicas"),
        ({"defaults": {"persistence": {"size": "lots"}}}, "size"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"monitoring": {"serviceMonitor": {"enabled": "yes"}}}, "enabled"),
    ],
)
def test_nonsense_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, change)


def test_a_refused_secret_is_not_shown(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"config": {"slack": {"botToken": "xoxb-hunter2"}}})
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TICKETING_WEB__TOKEN", "hunter2"),
        ("TICKETING_ACCESS__OIDC__CLIENT_SECRET", "hunter2"),
        ("TICKETING_HEARTBEAT_URL", "https://hc.example/hunter2"),
        ("TICKETING_LLM__API_KEY", "hunter2"),
        ("TICKETING_PAGERDUTY__ROUTING_KEYS", '{"high": "hunter2"}'),
        ("TICKETING_PAGERDUTY__ROUTING_KEYS__HIGH", "hunter2"),
        ("TICKETING_SLACK", '{"botToken": "hunter2"}'),
        ("TICKETING_TELEMETRY__OTLP__HEADERS__X_KEY", "hunter2"),
        ("TICKETING_REDIS__URL", "redis://:hunter2@redis"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2"),
    ],
)
def test_a_secret_in_a_variable_is_refused_and_not_shown(
    name: str, value: str, tmp_path: Path
) -> None:
    said = refusal(tmp_path, {"roles": {"view": {"extraEnv": [{"name": name, "value": value}]}}})
    assert f"roles.view.extraEnv: {name} holds a secret" in said
    assert "hunter2" not in said


def test_a_secret_in_a_variable_may_come_from_a_secret(tmp_path: Path) -> None:
    given = {
        "name": "TICKETING_WEB__TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "other", "key": "token"}},
    }
    plain = {"name": "TICKETING_REDIS__URL", "value": "redis://redis:6379/1"}
    change = {"defaults": {"extraEnv": [given, plain]}}
    found = workloads(rendered(values_file(tmp_path, {**BASE, **change})))
    for one in found.values():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert given in container["env"]


def test_a_role_is_scaled_by_its_lag_within_its_partitions() -> None:
    found = manifests(VALUES / "watched.yaml")
    scaled = {
        one["spec"]["scaleTargetRef"]["name"].rpartition("-")[2]: one["spec"]
        for one in of_kind(found, "ScaledObject")
    }
    assert sorted(scaled) == ["pipeline", "slack", "traces"]
    assert scaled["pipeline"]["maxReplicaCount"] == 24
    assert scaled["traces"]["maxReplicaCount"] == 4
    watched = {
        role: [trigger["metadata"]["topic"] for trigger in one["triggers"]]
        for role, one in scaled.items()
    }
    assert watched["pipeline"][:2] == ["enriched-logs", "anomaly-events"]
    assert watched["slack"] == ["ticketing-slack"]
    assert scaled["slack"]["triggers"][0]["metadata"]["consumerGroup"] == "ticketing-slack"
    for role, one in workloads(found).items():
        assert ("replicas" in one["spec"]) is (role not in scaled)


def test_what_is_scaled_has_the_prefix_of_the_installation(tmp_path: Path) -> None:
    change = {"config": {"kafka": {"prefix": "acme-"}}}
    found = rendered(VALUES / "watched.yaml", values_file(tmp_path, change))
    triggers = [
        trigger["metadata"]
        for one in of_kind(found, "ScaledObject")
        for trigger in one["spec"]["triggers"]
    ]
    assert {one["consumerGroup"] for one in triggers} == {
        "acme-ticketing",
        "acme-ticketing-slack",
        "acme-ticketing-traces",
    }
    own = {one["topic"] for one in triggers} - {"enriched-logs", "anomaly-events"}
    assert own
    assert all(topic.startswith("acme-ticketing-") for topic in own)


def test_alerts_and_dashboard_reach_prometheus_and_grafana() -> None:
    found = manifests(VALUES / "watched.yaml")
    (rule,) = of_kind(found, "PrometheusRule")
    alerts = [one for group in rule["spec"]["groups"] for one in group["rules"]]
    assert len(alerts) >= 9
    assert all(one["expr"] and one["annotations"]["summary"] for one in alerts)
    (restarts,) = (one for one in alerts if one["alert"] == "TicketingPodRestarts")
    assert f'pod=~"{RELEASE}-ticketing-agent-.+"' in restarts["expr"]
    assert restarts["annotations"]["summary"].startswith("{{ $labels.pod }} was started")
    (monitor,) = of_kind(found, "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {
        "name": "ticketing-agent",
        "key": "web.token",
    }
    (every,) = (
        one
        for one in of_kind(found, "Service")
        if "ticketing-agent/metrics" in one["metadata"]["labels"]
    )
    assert monitor["spec"]["selector"]["matchLabels"].items() <= every["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in every["spec"]["ports"]}
    (board,) = (one for one in of_kind(found, "ConfigMap") if "ticketing-agent.json" in one["data"])
    assert json.loads(board["data"]["ticketing-agent.json"])["panels"]
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_the_network_is_limited_to_what_is_needed() -> None:
    (policy,) = of_kind(manifests(VALUES / "watched.yaml"), "NetworkPolicy")
    opened = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert opened == [53, 53, 9092, 9093, 6379, 443, 4318, 8443]
    (ingress,) = policy["spec"]["ingress"]
    assert len(ingress["from"]) == 2
    for one in workloads(manifests(VALUES / "watched.yaml")).values():
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector-2", 80),
        ("https://10.0.0.5", 443),
        ("https://collector.example/2", 443),
        ("http://[fd00::17]", 80),
        ("http://[fd00::17]:4318", 4318),
    ],
)
def test_a_receiver_without_a_port_has_that_of_its_scheme(
    endpoint: str, port: int, tmp_path: Path
) -> None:
    change = {"config": {**BASE["config"], "telemetry": {"otlp": {"endpoint": endpoint}}}}
    given = {**BASE, **change, "networkPolicy": {"enabled": True, "httpsPorts": []}}
    (policy,) = of_kind(rendered(values_file(tmp_path, given)), "NetworkPolicy")
    opened = [one["port"] for rule in policy["spec"]["egress"] for one in rule["ports"]]
    assert opened == [53, 53, 9092, 6379, port]


def test_a_change_of_the_configuration_restarts_the_pods(tmp_path: Path) -> None:
    def sums(given: dict[str, Any]) -> set[str]:
        found = rendered(values_file(tmp_path, given))
        return {
            one["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for one in of_kind(found, "StatefulSet", "Deployment")
        }

    before = sums(BASE)
    after = sums({**BASE, "config": {**BASE["config"], "retention": "7d"}})
    assert len(before) == len(after) == 1
    assert before != after


@pytest.mark.parametrize("file", sorted((CHART / "examples").glob("*.values.yaml")), ids=str)
def test_examples_of_external_secrets_work(file: Path, tmp_path: Path) -> None:
    store = yaml.safe_load(file.with_name(file.name.replace(".values", "")).read_text())
    found = rendered(values_file(tmp_path, {"config": BASE["config"]}), file)
    (secret,) = of_kind(found, "ExternalSecret")
    assert secret["spec"]["secretStoreRef"] == {
        "name": store["metadata"]["name"],
        "kind": store["kind"],
    }
    mounted = {
        volume["secret"]["secretName"]
        for pod in pods(found)
        for volume in pod["volumes"]
        if volume["name"] == "secrets"
    }
    assert mounted == {secret["spec"]["target"]["name"]}


def test_the_setup_comes_before_everything_else() -> None:
    found = manifests(VALUES / "secured.yaml")
    hooks = [one for one in found if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    before = [
        one for one in hooks if "pre-install" in one["metadata"]["annotations"]["helm.sh/hook"]
    ]
    ordered = sorted(
        before, key=lambda one: int(one["metadata"]["annotations"]["helm.sh/hook-weight"])
    )
    assert [one["kind"] for one in ordered] == ["ExternalSecret", "ConfigMap", "Job"]
    job = ordered[-1]["spec"]["template"]["spec"]
    assert job["initContainers"][0]["args"][:2] == ["config", "check"]
    assert job["containers"][0]["args"] == ["topics", "create"]
    (used,) = (v["configMap"]["name"] for v in job["volumes"] if v["name"] == "config")
    assert used == ordered[1]["metadata"]["name"]


def test_the_notes_name_the_next_step(tmp_path: Path) -> None:
    """Helm shows notes on an installation alone, which needs a cluster: a manifest includes them."""
    chart = tmp_path / "ticketing-agent"
    shutil.copytree(CHART, chart)
    (chart / "templates" / "shown.yaml").write_text(
        'kind: Notes\ndata: {{ include (print .Template.BasePath "/NOTES.txt") . | quote }}\n'
    )
    (notes,) = of_kind(rendered(VALUES / "watched.yaml", chart=chart), "Notes")
    assert "runs pipeline, view, api, traces, slack in sre." in notes["data"]
    assert f"helm -n {NAMESPACE} test {RELEASE} --logs" in notes["data"]
    assert f"port-forward svc/{RELEASE}-ticketing-agent 8080:80" in notes["data"]
