"""The installed command in a user's folder whose files have the names of the compiler's own packages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("spike-compile")

pytestmark = pytest.mark.skipif(not COMMAND.exists(), reason="the command is there where the package is installed")

NET = """
import torch
from spikingjelly.activation_based.neuron import LIFNode

import backends, compile, frontend, hw_profiles, ir
from models.foo import WIDTH

T = ir.STEPS

def build(config):
    torch.manual_seed(compile.SEED)
    return torch.nn.Sequential(torch.nn.Linear(WIDTH, backends.OUTPUTS), LIFNode(step_mode="m"))

def example(config, samples, seed):
    from frontend import draw
    return hw_profiles.double(draw(T, samples, WIDTH))
"""
NEIGHBOURS = {
    "net.py": NET,
    "compile.py": "SEED = 3\n",
    "ir.py": "STEPS = 4\n",
    "backends.py": "OUTPUTS = 5\n",
    "frontend/__init__.py": "import torch\ndef draw(*shape):\n    return torch.rand(*shape)\n",
    "hw_profiles/__init__.py": "def double(x):\n    return 2 * x\n",
    "models/foo.py": "WIDTH = 6\n",
}


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A folder in which every name of the compiler's packages is the user's."""
    for name, text in NEIGHBOURS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(user: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=user, env=environment, capture_output=True, text=True, timeout=120)


def test_the_command_compiles_the_users_file(user: Path):
    done = run(user, str(COMMAND), "net.py", "--target", "gpu", "--samples", "3", "--out", "out")
    assert (done.returncode, "PASS" in done.stdout) == (0, True), done.stderr
    assert (user / "out" / "report.json").is_file()
    assert not list(user.glob("**/*.egg-info"))


def test_so_does_the_module_of_the_package(user: Path):
    done = run(user, sys.executable, "-m", "spike_compiler", "net.py", "--target", "gpu", "--samples", "3")
    assert (done.returncode, "PASS" in done.stdout) == (0, True), done.stderr


def test_a_script_imports_both(user: Path):
    (user / "script.py").write_text(
        "import compile, ir, models.foo\nimport numpy as np\nfrom spike_compiler import compile_model\n"
        "trace = compile_model('net.py', target='gpu').run({'input': np.ones((4, 2, 6))})\n"
        "print(compile.SEED, ir.STEPS, models.foo.WIDTH, *[output.shape for output in trace.outputs.values()])\n"
    )
    done = run(user, sys.executable, "script.py")
    assert (done.returncode, done.stdout) == (0, "3 4 6 (4, 2, 5)\n"), done.stderr


def test_models_that_come_along_are_found_from_any_folder(user: Path):
    done = run(user, str(COMMAND), "models/cmsf.py", "--target", "gpu", "--part", "image", "--samples", "2")
    assert (done.returncode, "PASS" in done.stdout) == (0, True), done.stderr
