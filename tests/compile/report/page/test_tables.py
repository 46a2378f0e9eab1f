"""Cells of the page's tables: a text, and the number by which they are sorted."""

from __future__ import annotations

from compile.report.page.tables import Cell, counted, share, table


def test_numbers_are_sorted_by_their_values():
    assert counted(1234567) == Cell("1,234,567", 1234567)
    assert share(0.12345) == Cell("12.3 %", 0.12345)
    assert counted(None) == share(None) == Cell("-")


def test_texts_become_cells():
    made = table("t", ("a", "b"), [["x", counted(1)]])
    assert made.rows == [[Cell("x"), Cell("1", 1)]]
    assert [cell.text for cell in made.head] == ["a", "b"]
