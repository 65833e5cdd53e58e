"""The table of changes in docs/operations.md has the rows of the restart matrix, with its outcomes."""

from __future__ import annotations

from pathlib import Path

from support.restart_cells import CELLS

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"


def rows() -> dict[str, str]:
    """The change and the outcome of each row."""
    section = PAGE.read_text().split("## Changing settings\n", 1)[1].split("\n### ", 1)[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]
    return {changed: outcome for changed, outcome, _ in cells[2:]}


def test_every_row_is_tried_and_every_change_that_is_tried_is_told() -> None:
    assert {cell.row: cell.outcome.value for cell in CELLS} == rows()


def test_a_refusal_names_its_fix() -> None:
    assert all(bool(cell.fix) == (cell.outcome.value == "refuses") for cell in CELLS)
