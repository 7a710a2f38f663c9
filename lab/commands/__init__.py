"""The commands of `tap-lab`, one module a command or family."""
