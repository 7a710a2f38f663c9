"""From a payment to a network host and back: message, link, breaker, deadlines."""
