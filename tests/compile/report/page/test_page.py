"""report.html without a browser: whole, self-contained, and nobody's names break out of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.report.page.page import report_page
from compile.report.report import Report

SECTIONS = ["accuracy", "energy", "causes", "layers", "network", "activity", "integers", "chip", "again"]
MOST = 5_000_000
"""Bytes of a page."""


class Page(HTMLParser):
    """The elements of a page: their attributes, and the texts of those with an id, and of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.elements.append((tag, own))
        if tag == "script":
            self.scripts.append("")
        self._open = [own["id"]] if "id" in own else self._open if tag != "h2" else []

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script":
            self.scripts[-1] += data
        for name in self._open:
            self.texts[name] = self.texts.get(name, "") + data

    def values(self, attribute: str) -> list[str]:
        """Of all elements that have it, in order."""
        return [own[attribute] for _, own in self.elements if attribute in own]


def page_of(report: Report) -> Page:
    return Page(report_page(report, {}))


def test_it_has_its_sections_in_order_and_needs_nothing_else(report: Report):
    text = report_page(report, {})
    page = Page(text)
    ids = page.values("id")
    assert [each for each in ids if each in SECTIONS] == SECTIONS
    assert len(ids) == len(set(ids))
    assert len(text.encode()) < MOST
    assert not page.values("src")
    assert all(link.startswith("#") and link[1:] in ids for link in page.values("href"))
    style = next(text for text in re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style


def test_every_figure_has_its_data(report: Report):
    page = page_of(report)
    data = {
        own["id"]: json.loads(text)
        for (_, own), text in zip(
            [element for element in page.elements if element[0] == "script"], page.scripts, strict=True
        )
        if own.get("type") == "application/json"
    }
    figures = page.values("data-figure")
    assert {*figures, *page.values("data-from")} == data.keys()
    assert all(data[each]["root_id"] for each in figures)
    for figure, own in ((own["data-figure"], own) for _, own in page.elements if "data-from" in own):
        sources = set(re.findall(r'"name":"(\w+)"', json.dumps(data[figure], separators=(",", ":"))))
        for choice in data[own["data-from"]].values():
            assert choice.keys() <= sources


def test_the_first_screen_says_what_matters(report: Report):
    text = re.sub(r"<[^>]+>", " ", report_page(report, {}))
    for words in ("PASS", "0 of", "counted events at the prices of loihi2", "kept", "none"):
        assert words in text


def test_a_failure_and_warnings_are_there(report: Report):
    part = report.parts[0]
    wrong = replace(part.run.verdict, differing=3, first="fc1 (0, 0, 1)")
    failed = replace(
        report, parts=(replace(part, run=replace(part.run, verdict=wrong), warnings=("fc2: never fires",)),)
    )
    text = report_page(failed, {})
    assert '<div class="big bad">FAIL</div>' in text
    assert "fc2: never fires" in text


def test_names_and_warnings_stay_text(report: Report):
    evil = "</script><script>alert(1)</script><b>&"
    part = report.parts[0]
    layers = tuple(replace(layer, module=evil, classes=evil) for layer in part.layers)
    source = replace(report.source, name=evil, config=evil)
    text = report_page(replace(report, source=source, parts=(replace(part, layers=layers, warnings=(evil,)),)), {})
    assert "<script>alert" not in text
    assert "<b>&" not in text


def test_a_module_of_a_hostile_name_cannot_end_the_script():
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module("</script><script>alert(1)//", nn.Linear(3, 4))
            self.fire = neuron.IFNode(step_mode="m")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fire(self.get_submodule("</script><script>alert(1)//")(x))

    program = compile_model(Odd(), target="gpu", example=torch.ones(3, 2, 3))
    text = report_page(program.report(), {})
    assert "<script>alert" not in text
    assert "alert(1)" in text


def test_parts_take_turns_and_phases_are_told(report: Report, tmp_path: Path):
    part = report.parts[0]
    other = replace(part, build=replace(part.build, part=replace(part.build.part, name="other")))
    page = page_of(replace(report, parts=(part, other)))
    choices = [own["data-choice"] for tag, own in page.elements if tag == "div" and own.get("data-shown-by") == "part"]
    assert set(choices) == {"network", "other"}
    assert [own for _, own in page.elements if own.get("data-choice") == "other" and "hidden" not in own] == []


@pytest.mark.parametrize("values", [{}, {"accuracy": 0.875}])
def test_metrics_are_there_where_they_were_measured(report: Report, values: dict[str, float]):
    kinds = {kind: values for kind in ("source", "float", "compiled")} if values else {}
    text = report_page(replace(report, metrics=replace(report.metrics, values=kinds, samples="8 samples")), {})
    assert ("not measured" in text) == (not values)
    assert ("0.875 → 0.875" in text) == bool(values)
