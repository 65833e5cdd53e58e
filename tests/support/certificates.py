"""A certificate authority of the tests, and what it has signed, as PEM files."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.requirements import missing

DAYS = "2"
"""Longer than any run of the tests, and no use to anybody later."""


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: Path
    key: Path

    @property
    def pem(self) -> str:
        """Key and certificate in one text, as a keystore of Kafka's holds them."""
        return self.key.read_text() + self.certificate.read_text()


class Authority:
    """Signs certificates for 127.0.0.1."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        if shutil.which("openssl") is None:
            missing("no certificates: openssl is not installed")
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._own = self._made(name)

    @property
    def bundle(self) -> Path:
        """What trusts the authority."""
        return self._own.certificate

    def sign(self, name: str) -> Identity:
        """A new identity, good for servers and clients on this machine."""
        own = self._own
        return self._made(
            name,
            *("-CA", str(own.certificate), "-CAkey", str(own.key)),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )

    def encrypted(self, identity: Identity) -> Identity:
        """The same with its key behind a password."""
        key = identity.key.with_suffix(".encrypted.key")
        _openssl(
            "pkcs8", "-topk8", "-in", str(identity.key), "-out", str(key), "-passout", "pass:x"
        )
        return Identity(identity.certificate, key)

    def _made(self, name: str, *more: str) -> Identity:
        found = Identity(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS),
            *("-subj", f"/CN={name}", "-out", str(found.certificate), "-keyout", str(found.key)),
            *more,
        )
        return found


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"openssl {arguments[0]}: {done.stderr.decode()}"
