"""The sequence numbers of an idempotent producer, which aiokafka does not take back."""

from __future__ import annotations

from typing import Any


def take_back_refused(producer: Any) -> None:
    """Let an aiokafka producer go on after a batch that the broker refuses, such as one too large.

    The broker numbers what it has stored, aiokafka what it has sent: after a refusal, without this,
    every later batch of the partition would be refused as out of order. A partition has one batch
    under way at a time, so that no later one is numbered yet.
    """
    manager = producer._txn_manager
    if manager is None:
        return
    accumulator = producer._message_accumulator
    pop = accumulator._pop_batch

    def numbered(tp: Any) -> Any:
        batch = pop(tp)
        if batch.retry_count == 1:  # Numbered now; a repeat keeps its number.
            fail = batch.failure

            def refused(exception: BaseException) -> None:
                manager.increment_sequence_number(batch.tp, -batch.record_count)
                fail(exception)

            batch.failure = refused
        return batch

    accumulator._pop_batch = numbered
