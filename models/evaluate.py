"""
`python -m models.evaluate`: whole test sets through the compiled networks, and sweeps; see docs/evaluation.md.

The command is the compiler's, under the name where the networks are. It is handed over by name, since nothing in this
folder needs the compiler.
"""

import runpy

if __name__ == "__main__":
    beside = str(__package__).removesuffix("models")  # "" in a checkout, "NAME." where the packages live under one name
    runpy.run_module(f"{beside}compile.evaluation", run_name="__main__", alter_sys=True)
