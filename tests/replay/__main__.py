"""
`python -m tests.replay FOLDER`: compiles and runs the kept networks and writes what is kept of them.

The arithmetic of the host's float parts is pinned to instructions that every x86-64 processor has, so that the numbers are the same
on all of them; the chip's integers are the same anyway.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

PORTABLE = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "PRESCOTT",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore",
}
"""Environment in which the libraries take the same instructions everywhere; it must be set before they are loaded."""


def main(target: Path) -> None:
    """Write every record below `target`."""
    import torch

    from tests.replay.networks import NETWORKS
    from tests.replay.record import records

    torch.set_num_threads(1)
    for name in NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            for file, content in records(name, Path(folder)):
                path = target / file
                path.parent.mkdir(parents=True, exist_ok=True)
                text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
                path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if not os.environ.keys() >= PORTABLE.keys():
        os.execve(sys.executable, [sys.executable, "-m", "tests.replay", *sys.argv[1:]], {**os.environ, **PORTABLE})
    main(Path(sys.argv[1]))
