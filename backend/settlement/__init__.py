"""From captured to paid out: business days, batches, payouts, exchange rates, reconciliation."""
