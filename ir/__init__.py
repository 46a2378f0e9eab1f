"""The compiler's own typed intermediate representation: one time step of one sample, as a graph of operations."""
