"""Scenarios: a story with faults as a file, played on the laboratory and judged."""
