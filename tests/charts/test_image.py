"""The Dockerfile and compose.yaml: what a reader of both can see without an engine to run them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml
from support import kafka, redis
from support.helm import CHART

from ticketing import extras
from ticketing.cli.chart import registry
from ticketing.config.environment import from_environ
from ticketing.config.schema import env_name

REPOSITORY = CHART.parents[1]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return re.findall(rf"^{name} (.+)$", joined, re.MULTILINE)


def test_hadolint_finds_nothing_to_complain_of() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = str(hadolint) if hadolint.exists() else shutil.which("hadolint")
    assert found is not None
    done = subprocess.run(
        [found, "--failure-threshold", "style", REPOSITORY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


def test_what_is_copied_exists_and_reaches_the_builder() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }
    assert copied == let_in
    assert all((REPOSITORY / source).exists() for source in copied)


def test_the_image_runs_as_the_user_of_the_chart() -> None:
    (user,) = instructions("USER")
    context = VALUES["podSecurityContext"]
    assert user == f"{context['runAsUser']}:{context['runAsGroup']}"


def test_the_image_runs_the_command_of_the_package() -> None:
    (entrypoint,) = instructions("ENTRYPOINT")
    (command,) = json.loads(entrypoint)
    assert f'{command} = "ticketing.cli:main"' in (REPOSITORY / "pyproject.toml").read_text()


def test_the_image_can_do_without_language_models() -> None:
    assert "EXTRAS=llm,otel" in instructions("ARG")
    assert {"llm", "otel"} <= extras.PACKAGES.keys()
    (installed,) = (line for line in instructions("RUN") if "--require-hashes" in line)
    assert '"locks/image$(case "${EXTRAS}" in *llm*) echo -full ;; esac).lock"' in installed
    assert (REPOSITORY / "locks/image.lock").exists()
    assert (REPOSITORY / "locks/image-full.lock").exists()
    assert "/opt/ticketing/sbom.cdx.json" in installed


def check(described: dict[str, Any]) -> None:
    """Validate as the Compose Specification says, extensions (`x-...`) left out."""
    own = {key: value for key, value in described.items() if not key.startswith("x-")}
    compose_spec.ComposeSpecification.model_validate(own, extra="forbid")


def test_compose_is_well_formed() -> None:
    check(COMPOSE)


def test_a_misspelt_key_of_compose_would_be_seen() -> None:
    spoilt = {**COMPOSE["services"]["agent"], "depnds_on": []}
    with pytest.raises(ValueError, match="depnds_on"):
        check({**COMPOSE, "services": {"agent": spoilt}})


def test_compose_starts_what_the_tests_run() -> None:
    services = COMPOSE["services"]
    assert services["kafka"]["image"] == kafka.IMAGE
    assert services["redis"]["image"] == redis.IMAGE


@pytest.mark.parametrize("service", ["topics", "agent"])
def test_compose_sets_settings_only(service: str) -> None:
    given = COMPOSE["services"][service]["environment"]
    _, problems = from_environ({name: value or "{}" for name, value in given.items()})
    assert problems == []
    assert given["TICKETING_WEB__TOKEN"].startswith("${TICKETING_WEB__TOKEN:?")


@pytest.mark.parametrize("service", ["topics", "agent"])
def test_compose_passes_every_secret_on(service: str) -> None:
    """A setting's secret that is exported beside it would else not get there, without a word."""
    given = set(COMPOSE["services"][service]["environment"])
    # Kafka and Redis are its own and ask for none; a list of providers has its keys in a file.
    own = ("kafka.", "redis.")
    secrets = [path for path in registry()["secrets"] if "[]" not in path]
    wanted = {env_name(tuple(path.split("."))) for path in secrets if not path.startswith(own)}
    assert wanted <= given


def test_compose_makes_no_directory_of_a_file_that_is_missing() -> None:
    mounted = COMPOSE["services"]["agent"]["volumes"][0]
    assert mounted["source"] == "./ticketing.yaml"
    assert mounted["read_only"] is True
    assert mounted["bind"] == {"create_host_path": False}


def test_the_agent_waits_for_what_it_needs() -> None:
    services = COMPOSE["services"]
    for name in ("topics", "agent"):
        for other, wanted in services[name]["depends_on"].items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
    assert services["agent"]["depends_on"]["topics"] == {
        "condition": "service_completed_successfully"
    }
    assert services["topics"]["command"] == ["topics", "create"]


def test_compose_opens_the_api_to_this_machine_alone() -> None:
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:8080:8080"]


def test_the_versions_agree() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{chart["appVersion"]}"' in project
    assert COMPOSE["x-agent"]["image"] == f"ticketing-agent:{chart['appVersion']}"
