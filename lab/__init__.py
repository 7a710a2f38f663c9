"""The window and the command line: the only place where hardware and backend meet."""
