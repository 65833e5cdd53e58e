"""Keys of tickets."""

from __future__ import annotations

import pytest
from support.incidents import ID

from sinks.text.keys import free_tag, is_key_of, key_of, tag_of


def test_a_key_has_the_name_of_the_installation() -> None:
    assert key_of("", ID) == ID
    assert key_of("blue", ID) == f"blue.{ID}"
    assert is_key_of(key_of("blue", ID), ID)
    assert not is_key_of(key_of("blue", ID[:-1]), ID)


@pytest.mark.parametrize("text", [tag_of(ID), tag_of(ID).upper(), f" {tag_of(ID)}"])
def test_no_text_is_a_tag_of_ours(text: str) -> None:
    assert not free_tag(text).strip().casefold().startswith("ticketing-")


def test_other_text_is_a_tag_as_it_is() -> None:
    assert free_tag("checkout") == "checkout"
