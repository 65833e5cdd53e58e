"""The API of the unit tests, attacked."""

from __future__ import annotations

from tests.unit.api.conftest import api, start

__all__ = ["api", "start"]
