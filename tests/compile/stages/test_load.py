"""Reading what the user named: every file that is not in order is one error that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

GPU = ["--target", "gpu", "--samples", "2"]


def test_missing_and_unknown_files(fails, tmp_path: Path):
    fails([str(tmp_path / "none.py"), *GPU], 2, "none.py")
    fails([str(tmp_path / "none.nir"), *GPU], 2, "none.nir")
    (tmp_path / "net.onnx").write_text("")
    fails([str(tmp_path / "net.onnx"), *GPU], 2, "net.onnx", ".nir")
    (tmp_path / "bad.nir").write_text("not hdf5")
    fails([str(tmp_path / "bad.nir"), *GPU], 2, "bad.nir")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["build"]),
        ("def build(", ["syntax"]),
        ("T = 2\ndef build(config): return 3\ndef example(config, samples, seed): return {}", ["build"]),
        ("raise ValueError('boom')", ["boom"]),
        ("import torch\nT = 2\ndef build(config): return torch.nn.Linear(2, 2)", ["example"]),
        (
            "import torch\ndef build(c): return torch.nn.Linear(2, 2)\ndef example(c, n, s): return {'input': torch.ones(2, n, 2)}",
            ["T"],
        ),
    ],
)
def test_model_files_without_the_contract(fails, tmp_path: Path, text: str, words: list[str]):
    path = tmp_path / "model.py"
    path.write_text(text)
    fails([str(path), *GPU], 2, "model.py", *words)


def test_nan_weights_name_the_parameter(fails, tiny: Path):
    tiny.write_text(tiny.read_text().replace("net.fc1.weight.mul_(4)", "net.fc1.weight[0, 0] = float('nan')"))
    fails([str(tiny), *GPU], 2, "fc1.weight", "NaN")


def test_wrong_checkpoints(fails, tmp_path: Path):
    torch.save([{"linear.weight": torch.ones(2, 2)}, {}, {}, {}], tmp_path / "wrong.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    for name in ("wrong.pt", "text.pt", "none.pt"):
        argv = ["models/cmsf.py", *GPU, "--part", "image", "--weights", str(tmp_path / name)]
        fails(argv, 2, name)


ADDITIONS = {
    "raise SystemExit(3)": "SystemExit",
    "CONFIGS = ['a', 'b']": "CONFIGS",
    "STATIC_INPUTS = 'x'": "STATIC_INPUTS",
    "def weights(config): return 3": "weights()",
    "def weights(config): return '/none.pt'": "none.pt",
    "def task(config): return 3": "parts",
    "ENERGY_TABLE = 'unknown'": "cmsf",
}


@pytest.mark.parametrize("addition", ADDITIONS)
def test_model_files_that_break_an_optional_part_of_the_contract(fails, tiny: Path, addition: str):
    tiny.write_text(f"{tiny.read_text()}\n\n{addition}\n")
    fails(
        [str(tiny), *GPU],
        2,
        "tiny.py" if "none" not in addition and "ENERGY" not in addition else "",
        ADDITIONS[addition],
    )


def test_checkpoints_that_torch_cannot_read(fails, tiny: Path, tmp_path: Path):
    path = tmp_path / "w.pt"
    for content in (b"", b"hello"):
        path.write_bytes(content)
        fails([str(tiny), *GPU, "--weights", str(path)], 2, "w.pt", "torch cannot read")
