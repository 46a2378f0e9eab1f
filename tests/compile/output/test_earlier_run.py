"""Which files of a folder an earlier run wrote: those that its record lists, and nothing of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compile.output.earlier_run import earlier_files, whole_paths

FILES = ("network.nir", "lowered.nir", "outputs.npz", "ir/00_import.txt", "ir/12_check.txt")


def write(folder: Path, *parts: str, schema: str = "spike-compiler-report/2") -> None:
    """What a run of these parts writes."""
    names = [file if len(parts) == 1 else f"{part}/{file}" for part in parts for file in FILES]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "report.json").write_text(json.dumps({"schema": schema, "files": ["report.json", *names]}))


@pytest.mark.parametrize("schema", ["spike-compiler-report/2", "spike-compiler-report/99"])
def test_files_of_one_part_lie_in_the_folder_itself(tmp_path: Path, schema: str):
    write(tmp_path, "any/name", schema=schema)
    assert earlier_files(tmp_path) == {Path("report.json"), *map(Path, FILES)}


def test_files_of_several_parts_lie_in_folders_of_their_names(tmp_path: Path):
    write(tmp_path, "image", "text")
    expected = {Path("report.json"), *(Path(part) / file for part in ("image", "text") for file in FILES)}
    assert earlier_files(tmp_path) == expected
    (tmp_path / "text" / "lowered.nir").unlink()
    assert earlier_files(tmp_path) == expected - {Path("text/lowered.nir")}


def test_other_files_are_the_user_s(tmp_path: Path):
    write(tmp_path, "net")
    for file in ("notes.txt", "ir/my.txt", "ir/10_my_diff.txt", "ir/00_deep/a.txt", "net/network.nir", "lowered.txt"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("mine")
    assert earlier_files(tmp_path) == {Path("report.json"), *map(Path, FILES)}


@pytest.mark.parametrize(
    "report",
    [
        None,
        "",
        "[1]",
        '{"schema": "spike-compiler-report/1", "parts": [{"name": "net"}]}',
        '{"schema": "another/1", "files": ["report.json", "network.nir"]}',
        '{"schema": "spike-compiler-report/2", "files": []}',
        '{"schema": "spike-compiler-report/2", "files": ["network.nir"]}',
        '{"schema": "spike-compiler-report/2", "files": ["report.json", 3]}',
        '{"schema": "spike-compiler-report/2", "files": 3}',
    ],
)
def test_without_a_sound_report_there_was_no_earlier_run(tmp_path: Path, report: str | None):
    write(tmp_path, "net")
    (tmp_path / "report.json").unlink()
    if report is not None:
        (tmp_path / "report.json").write_text(report)
    assert earlier_files(tmp_path) == set()


def test_nothing_is_found_through_a_link(tmp_path: Path):
    write(tmp_path / "elsewhere", "net")
    write(tmp_path / "out", "a", "b")
    for name in ("a/network.nir", "a/ir/00_import.txt"):
        (tmp_path / "out" / name).unlink()
        (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere" / name.removeprefix("a/"))
    (tmp_path / "out" / "b").rename(tmp_path / "b")
    (tmp_path / "out" / "b").symlink_to(tmp_path / "b")
    left = {"lowered.nir", "outputs.npz", "ir/12_check.txt"}
    assert earlier_files(tmp_path / "out") == {Path("report.json"), *(Path("a") / file for file in left)}
    (tmp_path / "out" / "report.json").rename(tmp_path / "report.json")
    (tmp_path / "out" / "report.json").symlink_to(tmp_path / "report.json")
    assert earlier_files(tmp_path / "out") == set()


@pytest.mark.parametrize(
    "name",
    ["mine.txt", "../network.nir", "./network.nir", "/network.nir", "a/b/network.nir", "ir/../network.nir", "x" * 300],
)
def test_a_list_reaches_no_file_that_no_run_writes(tmp_path: Path, name: str):
    out = tmp_path / "out"
    write(out, "net")
    (out / "report.json").write_text(json.dumps({"schema": "spike-compiler-report/2", "files": ["report.json", name]}))
    assert earlier_files(out) == {Path("report.json")}


@pytest.mark.parametrize("name", ["x" * 300 + "/network.nir", "\ud800/network.nir", "no such folder/network.nir"])
def test_names_that_no_file_can_have_are_nobodys(tmp_path: Path, name: str):
    (tmp_path / "report.json").write_text(
        json.dumps({"schema": "spike-compiler-report/2", "files": ["report.json", name]})
    )
    assert earlier_files(tmp_path) == {Path("report.json")}


def test_every_kind_of_run_has_its_record(tmp_path: Path):
    write(tmp_path, "net")
    content = {"schema": "spike-compiler-benchmark/1", "files": ["benchmark.json", "benchmark.md"]}
    (tmp_path / "benchmark.json").write_text(json.dumps(content))
    (tmp_path / "benchmark.md").write_text("")
    assert earlier_files(tmp_path, "benchmark.json") == {Path("benchmark.json"), Path("benchmark.md")}
    assert earlier_files(tmp_path) == {Path("report.json"), *map(Path, FILES)}


def test_files_come_with_the_folders_around_them():
    assert whole_paths([Path("a/ir/b.txt"), Path("c")]) == {Path("a"), Path("a/ir"), Path("a/ir/b.txt"), Path("c")}
