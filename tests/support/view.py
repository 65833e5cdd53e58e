"""A view that is complete, as of topics with no more than the test writes."""

from __future__ import annotations

from ticketing.view.store import ViewStore


async def complete(store: ViewStore) -> ViewStore:
    """The store, once readers may ask it: what is written from now on is all that there is."""
    rebuild = await store.begin_rebuild()
    assert rebuild is not None
    await rebuild.finish()
    return store
