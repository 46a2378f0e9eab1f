"""NIR in and out: files read without trust, networks under a stated reading, IR graphs written for everybody."""
