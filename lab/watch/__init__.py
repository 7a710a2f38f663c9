"""The watch on a wrist: its own secure element, its own cards, its own line to the engine."""
