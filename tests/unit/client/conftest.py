"""The API of tests/unit/api, for its client."""

from __future__ import annotations

from tests.unit.api.conftest import api as api
from tests.unit.api.conftest import start as start
