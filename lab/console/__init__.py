"""What happens inside: networks, latency, faults, payments, the film of the session."""
