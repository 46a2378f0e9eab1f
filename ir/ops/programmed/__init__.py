"""Integer neurons that no chip has built in: programs of chips whose neurons run them."""
