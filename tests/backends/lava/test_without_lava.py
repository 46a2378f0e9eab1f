"""What of this backend works where Lava is not installed: all but running it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backends.lava import engine
from ir import errors


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (f"import {engine.__name__}; print('lava' in sys.modules)", "False"),
        (
            f"sys.modules['lava'] = None\nfrom {engine.__name__} import require_lava\nfrom {errors.__name__} import CompileError\n"
            "try: require_lava()\nexcept CompileError as error: print(error.rule, error.hint)",
            "lava.missing use Python 3.10, or --target gpu",
        ),
    ],
)
def test_lava_is_imported_late_and_missed_politely(code: str, said: str):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, timeout=600, check=True
    )
    assert said in done.stdout
