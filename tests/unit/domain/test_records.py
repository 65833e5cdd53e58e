"""Changed copies of records: equal to those of the standard library."""

from __future__ import annotations

import dataclasses

import pytest
from support.incidents import incident

from ticketing.domain.records import replace
from ticketing.domain.signals import Sample


def test_a_copy_is_that_of_the_standard_library_and_leaves_the_record() -> None:
    for record, changes in ((incident(), {"count": 5}), (Sample(at=1.0, message="m"), {"at": 2.0})):
        before = dataclasses.replace(record)  # type: ignore[type-var]
        changed = replace(record, **changes)
        assert changed == dataclasses.replace(record, **changes)  # type: ignore[type-var]
        assert record == before != changed
        assert type(changed) is type(record)


def test_a_field_that_is_not_there_is_refused() -> None:
    for record in (incident(), Sample(at=1.0, message="m")):
        with pytest.raises(TypeError, match="colour"):
            replace(record, colour="red")


def test_a_large_record_is_copied_at_once() -> None:
    assert hasattr(incident(), "__dict__"), "it has slots: each of its fields is set anew"
