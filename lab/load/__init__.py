"""Synthetic payments: a card and a till of their own, a generator, and the shop's quiet traffic."""
