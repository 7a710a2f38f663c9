"""`/v1`: the merchant gateway on the wire format that the ordinary `stripe` clients speak."""
