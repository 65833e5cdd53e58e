"""Delivery to one platform: wishes, the reconciling state machine, requests and receipts."""
