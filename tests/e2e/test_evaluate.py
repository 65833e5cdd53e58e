"""`ticketing evaluate` on a made-up system: the whole job, and one JSON object on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from support.microservices import START, Fault, System

SECONDS_MAX = 400


def test_the_broken_service_of_a_made_up_system_is_named(tmp_path: Path) -> None:
    system = System(3)
    operation = next(one for one in system.reachable() if one not in system.entries)
    fault = Fault("return", operation, START + 90.0)
    recording, labels = tmp_path / "logs.jsonl", tmp_path / "faults.json"
    records = system.run(fault, 150.0)
    recording.write_text("".join(json.dumps(record) + "\n" for record in records))
    injected = datetime.fromtimestamp(fault.at, timezone.utc).isoformat()
    label = {"injected_at": injected, "service": operation.service, "fault": fault.kind}
    labels.write_text(json.dumps([label]))
    command = [sys.executable, "-m", "ticketing", "evaluate", str(recording), str(labels), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert set(result) == {"faults", "top1", "top3", "ticketsPerFault"}
    assert (result["faults"], result["top3"]) == (1, 1.0)
    assert result["ticketsPerFault"] >= 1
