"""All networks side by side: what each does, takes and costs, and what the papers' ablations show on the data at hand."""

from compile.command.quick_spikingjelly import import_spikingjelly

import_spikingjelly()  # before a model file does
