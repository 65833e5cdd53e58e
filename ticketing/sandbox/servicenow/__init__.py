"""The stand-in for ServiceNow: the Table API over incidents, and OAuth."""

from ticketing.sandbox.servicenow.api import ServiceNow
from ticketing.sandbox.servicenow.credentials import section

STAND_IN = ServiceNow

__all__ = ["STAND_IN", "section"]
