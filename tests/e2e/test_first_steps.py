"""docs/first-steps.md holds word for word: from the wheel to a ticket and a dashboard that shows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kafka import Kafka
from support.pages import blocks, page
from support.prometheus import command
from support.redis import RedisServer
from support.requirements import free_port
from support.waiting import wait_for
from support.wheels import built, repack, requirements

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.prometheus]

PAGE = page("docs/first-steps.md")
STEP_SECONDS_MAX = 300.0
BASE_BYTES_MAX = 150 * 1024**2
PANELS_OF_A_QUIET_FLEET = {
    "Open incidents": 1.0,
    "Apps not ready": 0.0,
    "Records not accounted for": 0.0,
}


class Machine:
    """An empty machine with the wheel: a directory, a shell, and other ports than the page's."""

    def __init__(self, directory: Path, addresses: dict[str, str]) -> None:
        self.directory = directory
        self.addresses = addresses
        self._processes: list[subprocess.Popen[str]] = []
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TICKETING_", "PYTHON", "VIRTUAL_ENV"))
        }
        python = Path(sys.executable).resolve().parent
        self._environ = {
            **kept,
            "PATH": f"{python}:{kept['PATH']}",
            "HOME": str(directory),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(directory / "wheels"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def here(self, text: str) -> str:
        """A text of the page with this machine's addresses."""
        for known, own in self.addresses.items():
            text = text.replace(known, own)
        return text

    def write(self, text: str) -> None:
        """Write a file whose name stands in its first line."""
        name = text.splitlines()[0].removeprefix("# ")
        (self.directory / name).write_text(self.here(text))

    def run(self, text: str) -> None:
        """Run the commands of a block one after the other; those with & stay."""
        for line in text.splitlines():
            step = self.here(line.removeprefix("$ "))
            if variable := re.fullmatch(r'export (\w+)="(.*)"', step):
                value = variable[2].replace("$PWD", str(self.directory))
                self._environ[variable[1]] = value.replace("$PATH", self._environ["PATH"])
            elif step.endswith(" &"):
                self._processes.append(
                    subprocess.Popen(
                        ["bash", "-c", f"exec {step.removesuffix(' &')}"],
                        cwd=self.directory,
                        env=self._environ,
                        text=True,
                        start_new_session=True,
                    )
                )
            else:
                done = self.done(step)
                assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr}\n{self.logs()}"

    def done(self, step: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            ["bash", "-c", step],
            cwd=self.directory,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=STEP_SECONDS_MAX,
        )

    def logs(self) -> str:
        """The ends of all logs."""
        return "\n".join(file.read_text()[-3000:] for file in self.directory.glob("*.log"))

    def close(self) -> None:
        """End what was started."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def machine(broker: Kafka, own_redis: RedisServer, tmp_path: Path) -> Iterator[Machine]:
    command("prometheus")
    wheel = built(tmp_path)
    (tmp_path / "wheels").mkdir()
    repack(requirements(wheel), tmp_path / "wheels")
    ports = {f"127.0.0.1:{port}": f"127.0.0.1:{free_port()}" for port in (8080, 8090, 9090)}
    redis = own_redis.url.removeprefix("redis://").partition("/")[0]
    own = {"127.0.0.1:9092": broker.address, "127.0.0.1:6379": redis, **ports}
    found = Machine(tmp_path, own)
    found._environ |= {
        # The page takes the usual ports; here others may have them.
        "TICKETING_WEB__PORT": own["127.0.0.1:8080"].rpartition(":")[2],
        "TICKETING_FAUST_WEB__PORT": "0",
        "TICKETING_METRICS__PORT": "0",
        "TICKETING_KAFKA__REPLICATION_FACTOR": "1",
    }
    yield found
    found.close()


def get(address: str) -> Any:
    with urllib.request.urlopen(f"http://{address}", timeout=30) as answer:
        return json.loads(answer.read())


def size_of(directory: Path) -> int:
    """The bytes of an environment, without what pip and Python make themselves."""
    return sum(
        file.stat().st_size
        for file in directory.rglob("*")
        if file.is_file() and not file.is_symlink() and file.suffix != ".pyc"
        if "pip" not in file.parts and "setuptools" not in file.parts
    )


def test_the_first_steps_lead_to_a_ticket_and_a_dashboard(machine: Machine) -> None:
    install, start, look, replay, watch = blocks(PAGE, "console")
    settings, scrape = blocks(PAGE, "yaml")
    machine.run(install)
    assert size_of(machine.directory / "agent") < BASE_BYTES_MAX
    machine.write(settings)
    port = machine.addresses["127.0.0.1:8090"].rpartition(":")[2]
    machine.run(start.replace("ticketing sandbox", f"ticketing sandbox --port {port}"))

    def is_well() -> bool:
        return machine.done(look.removeprefix("$ ")).returncode == 0

    wait_for(is_well, machine.logs, 240)
    machine.run(replay)

    def ticketed() -> Any:
        found = get(f"{machine.addresses['127.0.0.1:8080']}/api/incidents")
        return found if found and found[0]["count"] == 1 else None

    (incident,) = wait_for(ticketed, machine.logs, 120)
    assert incident["service"] == "orders"

    def tickets() -> Any:
        found = get(f"{machine.addresses['127.0.0.1:8090']}/_sandbox/tickets")
        return [one for one in found if "DRILL" not in one["title"]]

    assert len(wait_for(tickets, machine.logs, 120)) == 1
    machine.write(scrape.replace("scrape_interval: 15s", "scrape_interval: 1s"))
    machine.run(watch)
    shared = machine.directory / "agent" / "share" / "ticketing-agent"
    board = json.loads((shared / "dashboard.json").read_text())

    def shown(expression: str) -> list[float]:
        # As Grafana fills the variables in where no series has a namespace.
        asked = urllib.parse.urlencode({"query": expression.replace("$namespace", ".*")})
        try:
            found = get(f"{machine.addresses['127.0.0.1:9090']}/api/v1/query?{asked}")
        except OSError:
            return []
        assert found["status"] == "success", found
        return [float(one["value"][1]) for one in found["data"]["result"]]

    for panel in board["panels"]:
        for target in panel.get("targets", []):
            wanted = PANELS_OF_A_QUIET_FLEET.get(panel["title"])
            if wanted is None:
                shown(target["expr"])
                continue
            wait_for(
                lambda expr=target["expr"], wanted=wanted: shown(expr) == [wanted],
                lambda panel=panel, expr=target["expr"]: f"{panel['title']}: {shown(expr)}",
                60,
            )
    assert shutil.which("promtool")
    rules = machine.done(f"promtool check rules {shared / 'alerts.yaml'}")
    assert rules.returncode == 0, rules.stdout + rules.stderr
