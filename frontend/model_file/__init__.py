"""A user's model file: the contract that it keeps, and its code run among its own neighbours."""
