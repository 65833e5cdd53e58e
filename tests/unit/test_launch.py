"""The first steps of a process, in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, resource, tempfile
from pathlib import Path
hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 4096)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
from ticketing.launch import prepare
prepare()
Path("file").write_text("")
Path("directory").mkdir()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard)
print(*[oct(Path(name).stat().st_mode & 0o777) for name in ("file", "directory")])
"""


def test_files_are_the_owners_and_descriptors_as_many_as_may_be(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] > 64
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=True,
        text=True,
    )
    assert said.stdout.split() == ["True", "0o600", "0o700"]
