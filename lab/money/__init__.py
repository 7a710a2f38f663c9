"""The money place: ledger, settlement, webhooks, disputes, merchants and the audit trail."""
