"""The API of the unit tests, attacked."""

from __future__ import annotations

from tests.unit.api.conftest import start

__all__ = ["start"]
