"""Readers, cards and the EMV contactless protocol.

Knows nothing of the backend or of Qt: a terminal kernel and a card exchange bytes, and either side
can be swapped for real hardware. Enter through `hardware.api`.
"""
