"""
`python -m models.zoo.few_bits [NETWORK ...] --jobs 2 --out docs/few-bits.md`: round and fine-tune what has no result yet.

Results are kept beside the page (`.jsonl`), weights, logs and states in `--runs`, where the trainings of other seeds than 0 lie
(`python -m models.zoo.ablations`). Interrupt it at any time: the same command goes on, also within a fine-tuning.
"""

from __future__ import annotations

import sys

from models.zoo.few_bits.networks import NETWORKS, quantized_runs
from models.zoo.few_bits.page import page
from models.zoo.few_bits.quantized_run import QuantizedRun
from models.zoo.run_command import RunCommand

COMMAND = RunCommand("models.zoo.few_bits", __doc__, [*NETWORKS], quantized_runs, QuantizedRun.of, page)

if __name__ == "__main__":
    sys.exit(COMMAND.main())
