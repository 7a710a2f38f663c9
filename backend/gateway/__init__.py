"""After the sale: capture, void, refund, and telling the networks of it."""
