"""The till: amount, lights, reading a card, the bank's answer, the receipt."""
