"""The broker of a running installation, for commands that read what others have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ticketing.kafka.runtime import Runtime


def running(holds_no: str) -> Runtime:
    """The runtime of the configuration; raises Misconfigured if its broker would start empty.

    `holds_no` are the things that such a broker has none of.
    """
    from ticketing.errors import Misconfigured
    from ticketing.kafka.runtime import EMBEDDED_VARIABLE, Runtime

    runtime = Runtime.from_environ()
    if runtime.held is not None:
        raise Misconfigured(
            f"kafka.brokers: an `embedded` broker starts empty, so it holds no {holds_no};"
            f" name a broker, or set {EMBEDDED_VARIABLE} to the address that `ticketing demo` prints"
        )
    return runtime
