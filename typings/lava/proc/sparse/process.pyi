"""Sparse synapses."""

from lava.magma.core.process.process import AbstractProcess
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

class Sparse(AbstractProcess):
    def __init__(
        self, *, weights: csr_matrix, weight_exp: int = 0, sign_mode: SignMode = ..., num_message_bits: int = 0
    ) -> None: ...

class DelaySparse(Sparse):
    def __init__(
        self,
        *,
        weights: csr_matrix,
        delays: csr_matrix | int,
        weight_exp: int = 0,
        sign_mode: SignMode = ...,
        num_message_bits: int = 0,
    ) -> None: ...
