"""The base of all process models."""

from lava.magma.core.process.process import ProcessParameters

class AbstractProcessModel:
    proc_params: ProcessParameters
