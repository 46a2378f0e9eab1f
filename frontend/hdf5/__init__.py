"""HDF5 files from anywhere, read within bounded memory and time."""
