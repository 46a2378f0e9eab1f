"""What code and data of users may do to a command: one error, exit code 2, their own line; in the report what they did not ask for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compile.cli import main

GPU = ["--target", "gpu", "--samples", "2"]
FORWARD = "return self.lif2(self.fc2(self.lif1(self.fc1(x))))"
HIDDEN = "self.fc2(self.lif1(self.fc1(x)))"
EXAMPLE = "(torch.rand(T, samples, 6, generator=generator) < 0.5).float()"
SPEECHLESS = "class E(Exception):\n    def __str__(self): raise ValueError\n"
IN_FORWARD = ("import.forward", "raised at", "tiny.py:")

FAULTS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an exception without a text": (FORWARD, "raise E()", (*IN_FORWARD, "E: (it has no text)")),
    "a base exception": (FORWARD, "raise BaseException('b')", (*IN_FORWARD, "BaseException: b")),
    "a generator's end": (FORWARD, "raise GeneratorExit", (*IN_FORWARD, "GeneratorExit")),
    "an exit that claims success": (FORWARD, "raise SystemExit(0)", (*IN_FORWARD, "SystemExit: 0")),
    "in the run on many samples alone": (
        FORWARD,
        f"assert x.shape[1] < 256\n        {FORWARD}",
        (*IN_FORWARD, "AssertionError"),
    ),
    "a method that the compiler calls": (
        "    def forward",
        "    def state_dict(self): raise E()\n    def forward",
        ("model.exception", "raised at", "tiny.py:"),
    ),
    "a configuration's property": (
        "T = 2",
        "class C:\n    @property\n    def T(self): raise E()\nCONFIGS = {'a': C()}\nT = 2",
        ("model.exception", "tiny.py:"),
    ),
    "a text of 100 KB": (FORWARD, "raise ValueError('x' * 100_000)", ("import.forward", "characters more")),
    "control characters": (FORWARD, "raise ValueError('\\x1b[31m')", ("import.forward", "\\x1b[31m")),
    "state between calls": (
        FORWARD,
        f"self.n = getattr(self, 'n', 0) + 1; return self.lif2({HIDDEN} * self.n)",
        ("import.random", "runs again"),
    ),
    "NaN at the end": (FORWARD, f"return torch.log({HIDDEN})", ("import.finite", "output", "the module itself")),
    "NaN within": (FORWARD, f"return self.lif2(torch.log({HIDDEN}))", ("import.finite", "%lif2", "the module itself")),
    "NaN as a factor": (FORWARD, f"return self.lif2({HIDDEN} * float('nan'))", ("import.finite", "NaN")),
    "finite inputs of infinite sums": (EXAMPLE, "torch.full((T, samples, 6), 3e38)", ("import.finite", "%lif1")),
    "outputs of one name": (
        FORWARD,
        f"a = {HIDDEN}; return {{1: a, '1': self.lif2(a)}}",
        ("import.outputs", "2 outputs called '1'"),
    ),
    "an input of no axes": (EXAMPLE, "torch.tensor(1.0)", ("import.inputs", "a single number")),
    "an unknown static input": ("T = 2", "T = 2\nSTATIC_INPUTS = ('y',)", ("inputs.static", "'y'", "known: x")),
    "a forward that is none": (
        "    def forward",
        "    forward = None\n    def other",
        ("import.inputs", "does not say"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_error(fault: str, tiny: Path, fails) -> None:
    old, new, words = FAULTS[fault]
    text = tiny.read_text()
    assert old in text
    tiny.write_text(SPEECHLESS + text.replace(old, new, 1))
    assert len(fails([str(tiny), *GPU], 2, *words)) < 4000


def test_what_a_run_shows_beside_its_results_is_at_the_top_of_the_report(tiny: Path, tmp_path: Path, capsys) -> None:
    text = tiny.read_text().replace("fc1.weight.mul_(4)", "fc1.weight.mul_(0.01)").replace("samples, 6,", "5, 6,")
    tiny.write_text(text)
    assert main([str(tiny), *GPU, "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["warnings"][:2] == [
        "network: example() gives x of shape (2, 5, 6) where 2 samples are asked for",
        "network: never fires on 5 samples: lif1, lif2",
    ]
    first, second = (number for number, line in enumerate(lines[:6]) if line.startswith("warning"))
    assert lines[first].startswith("warning  network: example() gives x")
    assert lines[second] == "warning  network: never fires on 5 samples: lif1, lif2"


def test_a_lowering_without_effect_is_refused(tiny: Path, fails) -> None:
    fails([str(tiny), *GPU, "--lower", "attention=graded-a"], 2, "lower.override", "no effect")
