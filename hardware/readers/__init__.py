"""Readers: one port, the emulated reader behind it, and what an exchange is."""
