"""The till's side: entry point and kernel without any I/O, and the session that drives them."""
