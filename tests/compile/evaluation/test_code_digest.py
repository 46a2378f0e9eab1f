"""What computes results names them: a change of any code of ours, or of a library, is another name."""

from __future__ import annotations

from pathlib import Path

import pytest

from compile.evaluation import code_digest as module
from compile.evaluation.code_digest import STAGES, code_digest


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with little code, taken for ours."""
    for stage in STAGES:
        (tmp_path / stage).mkdir()
    (tmp_path / "ir/a.py").write_text("1")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "compile/evaluation/code_digest.py"))
    return tmp_path


def digest() -> bytes:
    return code_digest.__wrapped__()


def test_other_content_another_name_or_library_is_another_digest(code: Path, monkeypatch: pytest.MonkeyPatch):
    seen = [digest()]
    (code / "ir/a.py").write_text("2")
    seen.append(digest())
    (code / "ir/a.py").rename(code / "ir/b.py")
    seen.append(digest())
    (code / "ir/deep").mkdir()
    (code / "ir/deep/c.py").touch()
    seen.append(digest())
    monkeypatch.setattr(module.torch, "__version__", "0.1+cu1")
    seen.append(digest())
    assert len(set(seen)) == len(seen)
    (code / "README.py").write_text("no part of it")
    monkeypatch.setattr(module.torch, "__version__", "0.1+cpu")
    assert digest() == seen[-1]
