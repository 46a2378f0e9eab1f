"""docs/extending.md is true: a copy of the checkout gets its blocks, in order, and runs its tests and commands where they stand."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/extending.md"
STAGES = ("backends", "compile", "frontend", "hw_profiles", "ir", "models")
ELEMENT = re.compile(
    r"^## (?P<heading>[^\n]+)$|^```\w+\n(?P<block>.*?)^```$|^    \.venv/bin/(?P<command>[^\n]+)$", re.M | re.S
)
FILE = re.compile(r"^(#|---) (\S+)\n(.*?)(?=^--- |\Z)", re.M | re.S)
LIBRARIES = (
    "array_api_compat.torch",
    "networkx",
    "nir",
    "norse",
    "numba",
    "pytest",
    "scipy.sparse",
    "spikingjelly.activation_based.neuron",
    "torch",
)
SERVER = """
import contextlib, gc, importlib, json, os, runpy, sys
with contextlib.redirect_stdout(sys.stderr):  # lava-dl speaks while it is imported
    for name in {libraries}:
        importlib.import_module(name)
gc.freeze()
for line in sys.stdin:
    arguments = json.loads(line)
    child = os.fork()
    if not child:
        for stream in (1, 2):
            os.dup2(os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        sys.argv = arguments
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs modules as `python -m` does, in forks of a process that has imported the libraries (most of what a command costs)."""


@dataclass(frozen=True)
class Step:
    """One thing that a reader does: makes a file, edits one, or runs a command."""

    section: str
    kind: str
    """new, edit or run."""
    path: str
    """The file; "" for a command."""
    text: str
    """What the file holds, the lines of the edit, or the command."""


def steps(page: str) -> Iterator[Step]:
    """What a page asks for, in its order. A file of tests is run as soon as it is there."""
    section = ""
    for element in ELEMENT.finditer(page):
        section = element["heading"] or section
        if element["command"]:
            yield Step(section, "run", "", element["command"])
        block = element["block"] or ""
        assert not block or FILE.match(block), f"{section}: a block does not begin with its file:\n{block}"
        for mark, path, text in FILE.findall(block):
            yield Step(section, "new" if mark == "#" else "edit", path, text)
            if mark == "#" and Path(path).name.startswith("test_"):
                yield Step(section, "run", "", f"python -m pytest -p no:cacheprovider {path}")


def edited(text: str, step: Step) -> str:
    """A file's text after an edit, whose unchanged and removed lines must stand there, once, part after part."""
    lines, start = text.splitlines(), 0
    for part in re.split(r"^@@\n", step.text, flags=re.M):
        marked = [(line[:1] or " ", line[1:]) for line in part.splitlines()]
        before = [line for mark, line in marked if mark in " -"]
        after = [line for mark, line in marked if mark in " +"]
        places = [at for at in range(start, len(lines)) if lines[at : at + len(before)] == before]
        assert before, f"{step.section}: an edit of {step.path} does not say where"
        assert len(places) == 1, f"{step.section}: {len(places)} places in {step.path} have these lines:\n{part}"
        lines[places[0] : places[0] + len(before)] = after
        start = places[0] + len(after)
    return "\n".join(lines) + "\n"


@contextmanager
def server(folder: Path, libraries: tuple[str, ...]) -> Iterator[subprocess.Popen[str]]:
    """The process that runs modules in a folder: a line of arguments in, a line with the exit code out."""
    command = [sys.executable, "-c", SERVER.format(libraries=libraries)]
    with subprocess.Popen(command, cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


def run(command: str, folder: Path, modules: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and output of a command."""
    program, *arguments = shlex.split(command)
    if program != "python":
        path = Path(sys.executable).with_name(program)
        done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr
    assert arguments[0] == "-m"
    assert modules.stdin
    assert modules.stdout
    (folder / "output.txt").unlink(missing_ok=True)
    modules.stdin.write(json.dumps(arguments[1:]) + "\n")
    modules.stdin.flush()
    code = int(modules.stdout.readline())
    return code, (folder / "output.txt").read_text()


def follow(page: str, folder: Path, libraries: tuple[str, ...] = LIBRARIES) -> None:
    """Do what a page says, in a folder."""
    with server(folder, libraries) as modules:
        for step in steps(page):
            path = folder / step.path
            if step.kind == "run":
                code, output = run(step.text, folder, modules)
                assert code == 0, f"{step.section}: {step.text} exits with {code}\n{output}"
            elif step.kind == "edit":
                path.write_text(edited(path.read_text(), step))
            else:
                assert not path.exists(), f"{step.section}: {step.path} is there already"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text)


def files(kind: str, section: str = "") -> set[str]:
    """The compiler's own files that the page makes or edits."""
    return {
        step.path
        for step in steps(PAGE.read_text())
        if step.kind == kind and section in ("", step.section) and step.path.split("/")[0] in STAGES
    }


def rows() -> list[tuple[str, str, int, int]]:
    """(heading, anchor, new files, changed files) of the table."""
    pattern = r"^\| \[(.+?)\]\(#(.+?)\) \| (\d+) \| (\d+) \|"
    return [
        (name, anchor, int(new), int(old)) for name, anchor, new, old in re.findall(pattern, PAGE.read_text(), re.M)
    ]


@pytest.mark.slow
def test_the_page_from_top_to_bottom(tmp_path: Path):
    left_out = shutil.ignore_patterns(
        ".*", "build", "out", "*.egg-info", "*.pyc.*", "*.tmp.*"
    )  # caches being written, too
    shutil.copytree(ROOT, tmp_path / "copy", ignore=left_out)
    follow(PAGE.read_text(), tmp_path / "copy")


def test_the_table_counts_the_files_of_every_section():
    headings = re.findall(r"^## (.+)$", PAGE.read_text(), re.M)
    assert [name for name, *_ in rows()] == [heading[0].lower() + heading[1:] for heading in headings[:-1]]
    for heading, (name, anchor, new, changed) in zip(headings, rows(), strict=False):
        made = files("new", heading)
        assert (new, changed) == (len(made), len(files("edit", heading) - made)), name
        assert anchor == heading.lower().replace(" ", "-")


def test_every_section_is_checked_and_every_new_module_has_its_test():
    page = list(steps(PAGE.read_text()))
    assert {step.section for step in page if step.kind == "run"} == {step.section for step in page}
    modules = {Path(path) for path in files("new") if path.endswith(".py") and not path.endswith("__init__.py")}
    tests = {Path("tests", module.parent, f"test_{module.name}") for module in modules}
    assert len(tests) > 5
    assert tests <= {Path(step.path) for step in page if step.kind == "new"}


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("--- a.py\n x = 2\n+y = 3\n", "A thing: 0 places in a.py"),
        ("--- a.py\n-x = 1\n", "A thing: 2 places in a.py"),
        ("--- a.py\n y = 1\n@@\n x = 1\n@@\n y = 1\n", "A thing: 0 places in a.py"),
        ("--- a.py\n+y = 3\n", "A thing: an edit of a.py does not say where"),
        ("# a.py\n", "A thing: a.py is there already"),
        ("x = 1\n", "A thing: a block does not begin with its file"),
        ("# b.py\nimport sys\n\nsys.exit(4)\n", r"A thing: python -m b exits with 4"),
        ("# b.py\n1 / 0\n", "(?s)A thing: python -m b exits with 1.*ZeroDivisionError"),
        ("# test_b.py\ndef test_b():\n    assert 0\n", "A thing: python -m pytest .* test_b.py exits with 1"),
    ],
)
def test_what_is_wrong_on_a_page_is_told_with_its_heading(page: str, message: str, tmp_path: Path):
    (tmp_path / "a.py").write_text("x = 1\ny = 1\nx = 1\n")
    with pytest.raises(AssertionError, match=message):
        follow(f"## A thing\n\n```python\n{page}```\n\n    .venv/bin/python -m b\n", tmp_path, ())


def test_edits_replace_add_and_remove_lines_where_they_stand():
    step = Step("A thing", "edit", "a.py", " a\n+b\n@@\n-c\n+C\n\n-d\n")
    assert edited("a\nc\n\nd\ne\n", step) == "a\nb\nC\n\ne\n"
