"""The settings of access: who is asked for a credential."""

from __future__ import annotations

from ticketing.config.values import Section


class Access(Section):
    """Access to the listeners, besides that of `web.token`."""

    enforced: bool = False
    """Asks for a token on this machine too; `web.token` does so by itself."""
