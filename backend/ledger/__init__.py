"""Double entry: which accounts there are, what may be posted, and how entries are chained."""
