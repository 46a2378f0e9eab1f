"""The files of a compilation: networks, IR after every pass, outputs, and the report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from compile.output.atomic_folder import atomic_folder, check_places
from compile.output.earlier_run import PAGE, PER_PART, REPORT
from compile.output.npz import write_arrays
from compile.report.report import PartReport, Report
from compile.report.report_json import report_content
from compile.stages.build import Build
from frontend.nir.round_trip.file import write_nir
from frontend.nir.writing.plain_nir import PlainNir, plain_nir


def check_parts(names: Iterable[str], target: Path) -> None:
    """Raise CompileError where a user's file is in the place of one that a run of these parts may write."""
    parts = [*names]
    folders = [Path()] if len(parts) == 1 else [Path(part) for part in parts]
    check_places(
        target, [Path(REPORT), Path(PAGE), *(folder / name for folder in folders for name in (*PER_PART, "ir"))]
    )


def write_all(report: Report, target: Path) -> Report:
    """Write everything below `target`, whole or not at all; several parts get a folder each. The report lists the files."""
    from compile.report.core_pictures import core_pictures  # brings matplotlib
    from compile.report.page.page import report_page  # brings Bokeh

    pictures = dict[str, Mapping[str, bytes]]()
    with atomic_folder(target) as folder:
        for part in report.parts:
            place = folder if len(report.parts) == 1 else folder / part.build.part.name
            place.mkdir(exist_ok=True)
            pictures[part.build.part.name] = core_pictures(part)
            _write_part(part, place, pictures[part.build.part.name])
        (folder / PAGE).write_text(report_page(report, pictures), encoding="utf-8", errors="replace")
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        written = replace(report, files={name: target / name for name in (REPORT, *names)})
        (folder / REPORT).write_text(json.dumps(report_content(written), indent=1) + "\n", encoding="utf-8")
    return written


def _write_part(part: PartReport, folder: Path, pictures: Mapping[str, bytes]) -> None:
    write_nir(part.build.nir, folder / "network.nir")
    _write_lowered(part.build, folder)
    texts = folder / "ir"
    texts.mkdir()
    for index, (name, text) in enumerate(part.build.texts.items()):
        (texts / f"{index:02d}_{name}.txt").write_text(text, encoding="utf-8")
    write_arrays(folder / "outputs.npz", part.run.outputs)
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture)
    if part.emitted is not None:
        (folder / part.emitted.name).write_bytes(part.emitted.content)


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
