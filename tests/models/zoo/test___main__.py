"""The zoo's command measures what is missing or named, keeps every row, and says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compile.command.exit_code import EXIT_BUG, EXIT_INTERRUPTED, EXIT_USAGE
from models.zoo import __main__ as command
from models.zoo.cases import ZooCase
from models.zoo.page import END, START
from models.zoo.row import ZooRow, read_rows, write_rows
from tests.models.zoo.examples import row


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was measured; after two, the user interrupts."""
    names: list[str] = []

    def measure(case: ZooCase, limit: float) -> ZooRow:
        if len(names) == 2:
            raise KeyboardInterrupt
        names.append(case.name)
        return replace(row(), model=case.model, config=case.config, fingerprint=case.fingerprint)

    monkeypatch.setattr(command, "measured", measure)
    known = [ZooCase("taaf", config) for config in ("av-digits", "published", "published-64")]
    monkeypatch.setattr(command, "cases", lambda names=(): [each for each in known if not names or each.name in names])
    return names


def test_an_interrupted_run_goes_on_and_pages_are_whole(ran: list[str], tmp_path: Path) -> None:
    out, readme = tmp_path / "docs/zoo.md", tmp_path / "README.md"
    readme.write_text(f"{START}\n{END}\n")
    arguments = ["--out", str(out), "--readme", str(readme)]
    assert command.main(arguments) == EXIT_INTERRUPTED
    assert [*read_rows(out.with_suffix(".jsonl"))] == ran == ["taaf-av-digits", "taaf-published"]
    assert "## Not measured\n\ntaaf-published-64." in out.read_text()
    ran.clear()
    assert command.main(arguments) == 0
    assert ran == ["taaf-published-64"]
    assert readme.read_text().count("| taaf-") == 3
    out.unlink()
    assert command.main(["taaf-published", "--page-only", *arguments]) == 0
    assert ran == ["taaf-published-64"]
    assert out.is_file()
    ran.clear()
    assert command.main(["taaf-published", *arguments]) == 0
    assert ran == ["taaf-published"]
    assert [*read_rows(out.with_suffix(".jsonl"))] == ["taaf-av-digits", "taaf-published", "taaf-published-64"]


def test_what_failed_is_tried_again_and_is_an_exit_status(
    ran: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "zoo.md"
    rows = [replace(row(), config=case.config, fingerprint=case.fingerprint) for case in command.cases()]
    failed = replace(rows[1], failed="took more than 9 s", parts=[], metrics={})
    write_rows(out.with_suffix(".jsonl"), {each.name: each for each in (rows[0], failed, rows[2])})
    monkeypatch.setattr(command, "measured", lambda case, limit: ran.append(case.name) or failed)
    assert command.main(["--out", str(out)]) == EXIT_BUG
    assert ran == ["taaf-published"]
    assert command.main(["taaf-published-64", "--page-only", "--out", str(out)]) == 0


def test_in_a_checkout_both_its_tables_are_written(
    ran: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(["--page-only"]) == 0
    assert Path("out/zoo.md").is_file()
    (tmp_path / "docs").mkdir()
    Path("docs/zoo.md").write_text("old")
    Path("README.md").write_text(f"{START}\n{END}\n")
    assert command.main(["--page-only", "--out", "out/zoo.md"]) == 0
    assert Path("docs/zoo.md").read_text() == "old"
    assert "network" not in Path("README.md").read_text()
    assert command.main(["--page-only"]) == 0
    assert Path("docs/zoo.md").read_text() == Path("out/zoo.md").read_text()
    assert "| network | metric |" in Path("README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits"], "error[training]: no network 'digits'"),
        (["--readme", "{}/none.md"], "No such file"),
        (["--readme", "{}/empty.md"], "no lines <!-- zoo -->"),
        (["--out", "{}/broken.md"], "broken.jsonl, line 1 cannot be read (JSONDecodeError"),
        (["--out", "{}/other.md"], "other.jsonl, line 1 cannot be read (TypeError"),
    ],
)
def test_what_is_wrong_is_a_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.md").write_text("")
    (tmp_path / "broken.jsonl").write_text("{")
    (tmp_path / "other.jsonl").write_text('{"parts": [], "speed": 3}')
    told = [argument.format(tmp_path) for argument in arguments]
    assert command.main(["--out", str(tmp_path / "zoo.md"), *told]) == EXIT_USAGE
    assert message in capsys.readouterr().err
