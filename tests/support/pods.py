"""Pods of rendered manifests as processes of this machine, without Kubernetes.

A container's command gets the environment and the files that its manifest gives it, and no others:
each volume is a directory of the pod, and the paths of its mounts, wherever they stand in
environment, arguments and files, become that directory's. A pod has an address of its own on
loopback in place of its network namespace, so all pods may listen on the same port.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ENTRYPOINT = [sys.executable, "-m", "ticketing"]
"""The image's entry point."""
ANY_ADDRESS = "0.0.0.0"
COMMAND_SECONDS_MAX = 120.0
PROBE_SECONDS_MAX = 10.0
_NUMBERS = itertools.count(1)

Manifest = dict[str, Any]


class Cluster:
    """The ConfigMaps and Secrets that pods may mount, and the pods made so far."""

    def __init__(
        self, directory: Path, manifests: list[Manifest], secrets: Mapping[str, Mapping[str, str]]
    ) -> None:
        """`secrets` are the contents of each Secret, which no manifest has."""
        self.directory = directory
        self.manifests = manifests
        self.files: dict[tuple[str, str], Mapping[str, str]] = {
            ("configMap", one["metadata"]["name"]): one["data"]
            for one in manifests
            if one["kind"] == "ConfigMap"
        }
        self.files |= {("secret", name): data for name, data in secrets.items()}
        self.pods: dict[str, Pod] = {}

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """The manifests of these kinds."""
        return [one for one in self.manifests if one["kind"] in kinds]

    def pod(self, name: str, specification: Manifest) -> Pod:
        """A pod whose commands end by themselves and listen nowhere."""
        self.pods[name] = Pod(self, name, specification)
        return self.pods[name]

    def fleet(self) -> Iterator[Pod]:
        """Every pod of the StatefulSets and Deployments, as many as they ask for."""
        for one in self.of_kind("StatefulSet", "Deployment"):
            for ordinal in range(one["spec"]["replicas"]):
                name = f"{one['metadata']['name']}-{ordinal}"
                template = one["spec"]["template"]
                made = Pod(self, name, template["spec"], address=_address())
                made.labels = template["metadata"]["labels"]
                self.pods[name] = made
                yield made

    def close(self) -> None:
        """End every pod."""
        for pod in self.pods.values():
            pod.end(signal.SIGKILL)


def _address() -> str:
    """An address on loopback that no other pod has; other runs of tests have another process id."""
    return f"127.{1 + os.getpid() % 250}.{os.getpid() // 250 % 250}.{next(_NUMBERS)}"


class Pod:
    """A pod: its init containers run by `run_once`, a container that stays by `start`."""

    def __init__(
        self, cluster: Cluster, name: str, specification: Manifest, *, address: str = ANY_ADDRESS
    ) -> None:
        """`address` is the one to listen on where the manifest says any."""
        self.name = name
        self.labels: dict[str, str] = {}
        self.specification = specification
        self.address = address
        self._cluster = cluster
        self._directory = cluster.directory / name
        self._process: subprocess.Popen[bytes] | None = None
        self.log = cluster.directory / f"{name}.log"
        self._mounts = self._mounted()

    def _mounted(self) -> dict[str, Path]:
        """The directory of each mount's path, with the files of its volume."""
        directories = {}
        for volume in self.specification["volumes"]:
            directory = self._directory / volume["name"]
            directory.mkdir(parents=True, exist_ok=True)
            directories[volume["name"]] = directory
        containers = [*self.specification.get("initContainers", []), *self._containers]
        mounts = {
            mount["mountPath"]: self._directory / mount["name"]
            for container in containers
            for mount in container["volumeMounts"]
        }
        for directory in mounts.values():
            # The claim of a StatefulSet stands beside the pod, not in it.
            directory.mkdir(parents=True, exist_ok=True)
        self._mounts = mounts
        for volume in self.specification["volumes"]:
            for kind, key in (("configMap", "name"), ("secret", "secretName")):
                if kind in volume:
                    content = self._cluster.files[(kind, volume[kind][key])]
                    for file, text in content.items():
                        (directories[volume["name"]] / file).write_text(self._here(text))
        return mounts

    @property
    def _containers(self) -> list[Manifest]:
        containers: list[Manifest] = self.specification["containers"]
        return containers

    def _here(self, text: str) -> str:
        """The text with the pod's paths and address as they are on this machine."""
        paths = "|".join(re.escape(path) for path in self._mounts)
        # In one pass, as a directory of this machine may begin like a mount.
        moved = re.sub(
            rf'(?<![^"\s])({paths})(?=[/"\s]|$)', lambda found: str(self._mounts[found[1]]), text
        )
        return moved.replace(ANY_ADDRESS, self.address)

    def environment(self, container: Manifest) -> dict[str, str]:
        """The variables of a container, and those that find the interpreter and its packages."""
        fields = {"metadata.name": self.name}
        given = {
            variable["name"]: self._here(variable["value"])
            if "value" in variable
            else fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
            for variable in container.get("env", [])
        }
        machine = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {**machine, "TMPDIR": str(self._directory / "tmp"), **given}

    def command(self, container: Manifest) -> list[str]:
        """The entry point with the container's arguments."""
        return [*ENTRYPOINT, *(self._here(argument) for argument in container["args"])]

    def run_once(self) -> list[subprocess.CompletedProcess[str]]:
        """Run init containers and containers in order, up to the first that fails."""
        done: list[subprocess.CompletedProcess[str]] = []
        for container in [*self.specification.get("initContainers", []), *self._containers]:
            done.append(
                subprocess.run(
                    self.command(container),
                    env=self.environment(container),
                    cwd=self._directory,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=COMMAND_SECONDS_MAX,
                )
            )
            if done[-1].returncode != 0:
                break
        return done

    def start(self) -> None:
        """Start the pod's container."""
        (container,) = self._containers
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(container),
                env=self.environment(container),
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """End the container as Kubernetes does; its exit status, None if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        try:
            return process.wait(self.specification.get("terminationGracePeriodSeconds", 30))
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    @property
    def ended(self) -> int | None:
        """The exit status of a container that has ended by itself."""
        return None if self._process is None else self._process.poll()

    def probe(self, kind: str) -> bool:
        """The answer of a probe: `startupProbe`, `readinessProbe` or `livenessProbe`."""
        (container,) = self._containers
        asked = container[kind]["httpGet"]
        return self.get(asked["path"], port=asked["port"])[0] == 200

    def get(self, path: str, *, token: str = "", port: str = "http") -> tuple[int, str]:
        """Status and body of a request to a named port of the pod; 0 without an answer."""
        (container,) = self._containers
        (number,) = (p["containerPort"] for p in container["ports"] if p["name"] == port)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"http://{self.address}:{number}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS_MAX) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def tail(self, chars: int = 3000) -> str:
        """The end of the log."""
        return self.log.read_text(errors="replace")[-chars:] if self.log.exists() else ""
