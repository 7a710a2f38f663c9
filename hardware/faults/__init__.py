"""Faults on readers and cards, as data round the port: nothing below knows that one is on."""
