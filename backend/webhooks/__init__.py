"""Tells merchants' servers what happened: fan-out of stored events, signing, delivery, health."""
