"""The only wiring place of the engine: one assembly, two worlds.

`live` has threads, sockets and real time; `simulated` has one thread, in-memory links and virtual
time. Everything above the edges is the same code. Knows every package and no rule.
"""
