"""The papers' formula: operations of the source network, their rates, published tables, and what the host computes."""
