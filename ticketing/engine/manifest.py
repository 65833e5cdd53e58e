"""The manifest of a RocksDB: remembered, so that a shortened one is noticed.

The manifest lists the files of the table and only grows. RocksDB takes a cut or altered one for one
that a crash left unfinished and opens the table without the files of the lost part; rows are then
missing while the newest write, with the changelog's offset, is there. So a note beside the manifest
has its length and checksum.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

NOTE = "manifest-seen.json"
"""The name of the note, in the table's directory; RocksDB leaves foreign files alone."""


class ManifestNote:
    """Keeps the note of one table up to date while the table is open."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path: Path | None = None
        self._length = 0
        self._sum = 0

    def update(self) -> None:
        """Note what the manifest has gained. Cheap where it has gained nothing."""
        try:
            if self._path is None:
                name = (self._directory / "CURRENT").read_text(encoding="ascii").strip()
                self._path, self._length, self._sum = self._directory / name, 0, 0
            if os.stat(self._path).st_size > self._length:
                self._add()
        except (OSError, ValueError):
            # Replaced at this moment, or damaged while in use: the next start will see.
            self._path = None

    def _add(self) -> None:
        assert self._path is not None
        with self._path.open("rb") as file:
            file.seek(self._length)
            more = file.read()
        self._sum = zlib.crc32(more, self._sum)
        self._length += len(more)
        noted = {"manifest": self._path.name, "bytes": self._length, "crc32": self._sum}
        new = self._directory / f"{NOTE}.new"
        new.write_text(json.dumps(noted), encoding="utf-8")
        new.replace(self._directory / NOTE)


def shortened(directory: Path) -> str | None:
    """The difference of a manifest from the note beside it, in words; None without one."""
    try:
        noted = json.loads((directory / NOTE).read_text(encoding="utf-8"))
        name, length, checksum = noted["manifest"], int(noted["bytes"]), int(noted["crc32"])
        current = (directory / "CURRENT").read_text(encoding="ascii").strip()
    except (OSError, ValueError, KeyError, TypeError):
        # Without a note, or a manifest to compare with it, RocksDB itself has to judge.
        return None
    if current != name:
        return None
    try:
        with (directory / name).open("rb") as file:
            found = file.read(length)
    except OSError:
        return None
    if len(found) < length:
        return f"{name} has {len(found)} bytes of at least {length}"
    if zlib.crc32(found) != checksum:
        return f"{name} was altered"
    return None
