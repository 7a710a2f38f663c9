"""Any card or tag: what lies on a reader, whose it is, what it may trigger, what may be sent."""
