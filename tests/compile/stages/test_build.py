"""One part from the user's module to a program, or an error that says where it cannot go on."""

from __future__ import annotations

from pathlib import Path

GPU = ["--target", "gpu", "--samples", "2"]


def test_a_chip_without_graded_spikes_refuses_the_analog_gate(fails, tmp_path: Path):
    argv = ["models/cmsf.py", *GPU, "--part", "image", "--profile", "loihi1", "--out", str(tmp_path / "out")]
    text = fails(argv, 3, "mlp")
    assert "hint" in text
    assert not (tmp_path / "out").exists()


def test_a_module_that_cannot_be_traced_names_its_path(fails, tiny: Path):
    tiny.write_text(tiny.read_text().replace("self.lif1(self.fc1(x))", "self.lif1(torch.sort(self.fc1(x))[0])"))
    fails([str(tiny), *GPU], 2, "sort")
