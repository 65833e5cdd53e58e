"""docs/input.md: each example record does what the page says, and no field is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec
import pytest
from support.configured import detector_for
from support.pages import blocks, chapter, page, rows

from agents.detection_run import Detected
from agents.log_record import Detail
from agents.span_packer import SlimLine
from ticketing.domain.alerts.field_names import LOGCLAW, PRESETS
from ticketing.domain.alerts.record_fields import BadInput

PAGE = page("docs/input.md")
EXAMPLE = re.compile(r"^\*\*([^*]+)\*\*([^*]*?)\n\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = EXAMPLE.findall(PAGE)
ARRIVED_MS = 1_900_000_000_000


@dataclass
class Record:
    value: bytes
    offset: int = 0
    timestamp: int = ARRIVED_MS
    key: bytes | None = None


def detected(document: str, preset: str = "logclaw") -> Detected:
    detector = detector_for({"enriched-logs": "id"}, fields=preset)
    return detector.detect("enriched-logs", 0, [Record(document.encode())])


def outcome(found: Detected) -> str:
    if found.dead_letters:
        return f"Dead letter `{found.dead_letters[0].reason}`"
    return "Opens an incident" if found.signals else "Below the threshold"


@pytest.mark.parametrize(
    ("promised", "prose", "document"),
    EXAMPLES,
    ids=[f"{promised}{prose.split('.')[0]}".replace("\n", " ") for promised, prose, _ in EXAMPLES],
)
def test_an_example_does_what_the_page_says(promised: str, prose: str, document: str) -> None:
    preset = re.search(r"with the preset `(\w+)`", prose)
    found = detected(document, preset[1] if preset else "logclaw")
    assert outcome(found) == promised
    severity = re.search(r"of severity (\w+)", prose)
    if severity is not None:
        assert found.signals[0].severity.value == severity[1]
    assert found.clock_corrections == ("replaced by the arrival" in prose)


def test_every_json_block_is_an_example_that_is_tried() -> None:
    assert [document for *_, document in EXAMPLES] == blocks(PAGE, "json")


def test_the_presets_are_all_described_and_have_an_example() -> None:
    table = rows(chapter(PAGE, "## Other names"))
    listed = {name[1] for cells in table if (name := re.match("`(.+?)`", cells[0]))}
    assert listed == set(PRESETS)
    told = {found for _, prose, _ in EXAMPLES for found in re.findall(r"preset `(\w+)`", prose)}
    assert told == set(PRESETS) - {"logclaw"}


def test_every_field_that_is_read_stands_in_the_table_and_no_other() -> None:
    listed = {cells[0].strip("`") for cells in rows(chapter(PAGE, "## Fields"))}
    read = {field.encode_name for field in msgspec.structs.fields(Detail)}
    # Detection sets the mark of a line itself: its name is one that no log has.
    read |= {"@timestamp", *SlimLine.__struct_fields__} - {"timestamp", "counted_in"}
    assert (
        listed - {"field", "---"} == read == {name for names in LOGCLAW.values() for name in names}
    )


def test_every_reason_of_a_dead_letter_stands_in_the_table() -> None:
    listed = {cells[0].strip("`") for cells in rows(chapter(PAGE, "## Dead letters"))}
    assert listed - {"reason", "---"} == {reason.value for reason in BadInput}
