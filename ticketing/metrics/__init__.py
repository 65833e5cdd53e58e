"""Metrics: every one by its name, and their text for Prometheus.

A call site with an unknown name fails the type check: the list in `names` is closed. With
PROMETHEUS_MULTIPROC_DIR set before this module is imported, the processes of a worker keep their
values in files there, and each of them can render the sum.
"""

from ticketing.metrics.declaration import OwnedCounter as OwnedCounter
from ticketing.metrics.declaration import definitions as definitions
from ticketing.metrics.declaration import registry as registry
from ticketing.metrics.exposition import CONTENT_TYPE as CONTENT_TYPE
from ticketing.metrics.exposition import MULTIPROCESS_VARIABLE as MULTIPROCESS_VARIABLE
from ticketing.metrics.exposition import forget as forget
from ticketing.metrics.exposition import render as render
from ticketing.metrics.exposition import share as share
from ticketing.metrics.names import *  # noqa: F403
