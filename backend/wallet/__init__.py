"""People, their devices and their cards. Knows no card number, no SQL, no HTTP and no payment."""
