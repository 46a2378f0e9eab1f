"""A model file is run as it is; one that does not run is one error."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.model_file import run_model_file
from models.training.training_error import TrainingError

TEXT = """from __future__ import annotations
from dataclasses import dataclass, fields

@dataclass
class Config:
    width: int = 3

NAMES = [field.name for field in fields(Config)]
"""


def test_a_file_is_a_module_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(TEXT)
    assert run_model_file(tmp_path / "small.py").NAMES == ["width"]
    assert [path.name for path in tmp_path.iterdir()] == ["small.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("def", "x.py does not run: SyntaxError"), ("raise SystemExit(3)", "does not run: SystemExit: 3")],
)
def test_a_file_that_does_not_run_is_one_error(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(text)
    with pytest.raises(TrainingError, match=message):
        run_model_file(tmp_path / "x.py")
    with pytest.raises(TrainingError, match="no model file"):
        run_model_file(tmp_path / "y.py")
