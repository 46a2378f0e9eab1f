"""
The networks this repository deploys: one contract file per network, with its data and its training.

Nothing here imports the compiler: a model file is what a user would write.
"""
