"""Which reader plays what: the till, the phone, or what the bench looks at; as they come and go."""
