"""Where time, randomness, events and background work come from. Imports nothing else of ours."""
