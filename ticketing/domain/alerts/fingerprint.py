"""Stable identities: the fingerprint of an error pattern and the partition that counts it."""

from __future__ import annotations

import hashlib


def fingerprint(tenant: str, environment: str, service: str, pattern: str, codes: str = "") -> str:
    """16 lower-case hex digits that are the same in every process and release.

    `codes` are those that name the fault beside the text (see ticketing.domain.patterns.codes).
    """
    fields = (tenant, environment, service, pattern, codes)
    joined = _joined(*(fields if codes else fields[:-1]))
    return hashlib.blake2b(joined, digest_size=8).hexdigest()


def slow_fingerprint(tenant: str, environment: str, service: str, operation: str) -> str:
    """The fingerprint of a service's slow operation. No pattern holds a NUL."""
    return fingerprint(tenant, environment, service, "\0slow", operation)


def stray_fingerprint(tenant: str, environment: str, service: str) -> str:
    """The fingerprint of a service's lines of stack traces. No pattern holds a NUL."""
    return fingerprint(tenant, environment, service, "\0stray")


def overflow_fingerprint(tenant: str, environment: str, service: str) -> str:
    """The fingerprint of a service's overflow alert. No pattern holds a NUL."""
    return fingerprint(tenant, environment, service, "\0overflow")


def partition_of(tenant: str, service: str, partitions: int) -> int:
    """The partition, of so many, that holds all signals of a tenant's service."""
    digest = hashlib.blake2b(_joined(tenant, service), digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions


def _joined(*parts: str) -> bytes:
    """Prefixed with their lengths, so that no two lists of parts read the same."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(b"%d:%s" % (len(part), part) for part in encoded)
