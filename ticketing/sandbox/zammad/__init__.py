"""The stand-in for Zammad: tickets, articles and tags."""

from ticketing.sandbox.zammad.api import Zammad
from ticketing.sandbox.zammad.credentials import section

STAND_IN = Zammad

__all__ = ["STAND_IN", "section"]
