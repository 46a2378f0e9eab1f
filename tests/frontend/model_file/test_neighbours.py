"""A whole model file among neighbours whose names are the compiler's, in this process and from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ir
from frontend.model_file.model_file import load_model_file
from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from models.data import digits
from models.networks.cmsf.config import CmsfConfig

pytestmark = pytest.mark.checkout

CHECKOUT = Path(__file__).parents[3]
NEIGHBOURS = {
    "models/foo.py": """
from torch import nn
from spikingjelly.activation_based.neuron import LIFNode

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc, self.lif = nn.Linear(3, width), LIFNode(step_mode="m")

    def forward(self, x):
        from backends import scale
        return self.lif(self.fc(scale(x)))
""",
    "ir.py": "STEPS, WIDTH = 4, 5\n",
    "backends/__init__.py": "def scale(x):\n    return 2 * x\n",
    "compile.py": "SEED = 3\ndef rate(outputs):\n    return {'rate': float(outputs['network']['output'].mean())}\n",
    "frontend/data.py": "import torch\ndef draw(steps, samples):\n    return torch.rand(steps, samples, 3)\n",
    "hw_profiles/__init__.py": "def fill(parts):\n    parts['network'].fc.weight.data.fill_(0.7)\n",
}
"""In a test, `compile.py` would be run instead of the compiler, or the compiler's `ir` be seen instead of the user's."""
TOP = """
from models.foo import Net
from ir import STEPS as T

def build(config):
    from ir import WIDTH
    return Net(WIDTH)

def example(config, samples, seed):
    from frontend.data import draw
    return draw(T, samples)

def weights(config):
    from compile import SEED
    return __file__

def load_weights(parts, path):
    from hw_profiles import fill
    fill(parts)

class Task:
    @property
    def parts(self):
        import ir
        return ["network"][: ir.WIDTH]

    def inputs(self, part):
        from frontend.data import draw
        return {"x": draw(T, 40)}

    def metrics(self, outputs):
        from compile import rate
        return rate(outputs)

def task(config):
    import compile
    return Task()
"""


def test_imports_work_at_the_top_and_in_every_function(folder) -> None:
    model = load_model_file(folder({**NEIGHBOURS, "net.py": TOP}) / "net.py")
    (network,) = model.parts.values()
    assert (model.steps, network.fc.out_features) == (4, 5)
    assert (network.fc.weight == torch.tensor(0.7)).all()
    inputs = model.examples(2, seed=0)["network"]
    assert inputs["x"].shape == (4, 2, 3)
    assert model.task is not None
    assert model.task.parts == ("network",)
    assert model.task.inputs("network")["x"].shape == (4, 40, 3)
    assert model.task.metrics({"network": {"output": torch.ones(2)}}) == {"rate": 1.0}
    with model.running():
        graph = trace_module(network, inputs, model.static, model.steps, "network")
        assert check_import(network, graph, inputs).compared == 4 * 2 * 5
        assert sys.modules["ir"] is ir


def test_two_model_files_take_turns(folder) -> None:
    def model(width: int):
        files = {**NEIGHBOURS, "ir.py": f"STEPS, WIDTH = {width}, {width}\n", "net.py": TOP}
        return load_model_file(folder(files) / "net.py")

    first, second = model(2), model(6)
    assert [m.parts["network"].fc.out_features for m in (first, second)] == [2, 6]
    assert [m.examples(1, 0)["network"]["x"].shape[0] for m in (first, second, first)] == [2, 6, 2]


def test_a_folder_that_the_file_changes_to_is_its_own(folder, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import os\nos.chdir(os.path.dirname(__file__))\n" + TOP.replace("return __file__", "return 'w.pt'").replace(
        "fill(parts)", "fill(parts); path.read_text(); os.stat('w.pt')"
    )
    root, elsewhere = folder({**NEIGHBOURS, "net.py": text, "w.pt": ""}), folder({"w2.pt": ""})
    monkeypatch.chdir(elsewhere)
    assert load_model_file(root / "net.py").weights == root / "w.pt"
    assert load_model_file(root / "net.py", weights=Path("w2.pt")).weights == Path("w2.pt")
    assert os.getcwd() == str(elsewhere)
    monkeypatch.undo()


def test_our_own_model_file_shares_its_modules_with_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    few = digits.Split(*(getattr(digits.load_split("dev"), name) for name in ("regions", "captions", "word_ids")))
    model = load_model_file(CHECKOUT / "models" / "cmsf.py")
    assert isinstance(model.file.module.CONFIGS["digits"], CmsfConfig)
    assert sys.modules["models.data.digits"] is digits
    assert type(model.file.module.task("digits")).__module__ == "models.retrieval.digits_task"
    monkeypatch.setattr(sys.modules["models.retrieval.digits_task"], "load_split", lambda _split: few)
    assert model.task is not None
    assert model.task.inputs("image")["regions"] is few.regions


def run(*arguments: str, folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    """A Python process with a user's folder, or the checkout, as its current one."""
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_the_command_line_in_a_checkout(folder) -> None:
    forward = (
        NEIGHBOURS["models/foo.py"]
        .replace("        from backends import scale\n", "")
        .replace("\nclass Net", "from backends import scale\n\nclass Net")
    )
    path = folder({**NEIGHBOURS, "models/foo.py": forward, "net.py": TOP}) / "net.py"
    done = run("-m", "compile", str(path), "--target", "gpu", "--samples", "2", folder=CHECKOUT)
    assert done.returncode == 0, done.stderr
    assert "rate" in done.stdout


SCRIPT = """
import os, sys
from frontend.model_file.model_file import load_model_file
before = list(sys.path), os.getcwd(), {name: sys.modules[name] for name in ("ir", "frontend")}, set(sys.modules)
model = load_model_file(sys.argv[1])
model.examples(2, 0), model.task.inputs("network"), model.task.parts
with model.running():
    model.parts["network"](model.examples(2, 0)["network"]["x"])
assert (list(sys.path), os.getcwd(), {name: sys.modules[name] for name in ("ir", "frontend")}) == before[:3]
mine = [name for name in set(sys.modules) - before[3] if name.partition(".")[0] in ("net", "models", "backends", "compile")]
assert mine == [], mine
import compile.driver
from models.cmsf import CONFIGS
from ir.errors import CompileError
print(next(iter(CONFIGS)))
"""


@pytest.mark.slow
def test_a_fresh_process_is_left_as_it_was(folder, tmp_path: Path) -> None:
    path = folder({**NEIGHBOURS, "net.py": TOP}) / "net.py"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = run(str(script), str(path), folder=tmp_path, path=str(CHECKOUT))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "digits"), done.stderr  # lava-dl speaks before


@pytest.mark.slow
def test_a_file_in_the_checkout_itself(tmp_path: Path) -> None:
    done = run(
        "-c",
        "from frontend.model_file.model_file import load_model_file as l; print(l('models/cmsf.py').steps)",
        folder=CHECKOUT,
    )
    assert done.stdout.splitlines()[-1] == "2", done.stderr
