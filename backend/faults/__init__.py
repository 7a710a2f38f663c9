"""Faults as data, and the places that carry them out. No rule can ask whether a fault is on."""
