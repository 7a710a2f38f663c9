"""A payment's life: states, phases, idempotency keys, the cure of unknown outcomes, its view."""
