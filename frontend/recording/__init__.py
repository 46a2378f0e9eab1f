"""What a traced model computes, written down as IR nodes: views of IR values, and single steps of a window."""
