"""The files of a compilation: networks, IR after every pass, outputs, and the report."""

from __future__ import annotations

import json
from pathlib import Path

from compile.output.atomic_folder import atomic_folder
from compile.report.report import PartReport, Report
from compile.report.report_json import report_content
from compile.stages.build import Build
from compile.stages.npz import write_arrays
from frontend.nir.round_trip.file import write_nir
from frontend.nir.writing.plain_nir import PlainNir, plain_nir


def write_all(report: Report, target: Path) -> dict[str, Path]:
    """Write everything below `target`, whole or not at all; several parts get a folder each. Returns name -> path."""
    with atomic_folder(target) as folder:
        for part in report.parts:
            place = folder if len(report.parts) == 1 else folder / part.build.part.name
            place.mkdir(exist_ok=True)
            _write_part(part, place)
        (folder / "report.json").write_text(json.dumps(report_content(report), indent=1) + "\n", encoding="utf-8")
    return {"report": target / "report.json", "folder": target}


def _write_part(part: PartReport, folder: Path) -> None:
    write_nir(part.build.nir, folder / "network.nir")
    _write_lowered(part.build, folder)
    texts = folder / "ir"
    texts.mkdir()
    for index, (name, text) in enumerate(part.build.texts.items()):
        (texts / f"{index:02d}_{name}.txt").write_text(text, encoding="utf-8")
    write_arrays(folder / "outputs.npz", part.run.outputs)


def _write_lowered(build: Build, folder: Path) -> None:
    """The lowered network in standard NIR where it can be said; else a text that says why not."""
    several = len(build.floating.phases) > 1  # NIR knows no host between the phases
    plain = (
        PlainNir(None, "the host computes between its phases") if several else plain_nir(build.floating.deployment.chip)
    )
    if plain.graph is not None:
        write_nir(plain.graph, folder / "lowered.nir")
    else:
        (folder / "lowered.txt").write_text(f"no plain NIR: {plain.reason}\n", encoding="utf-8")
