"""Money, card numbers, identifiers, chip data: values that know nothing of how they are kept."""
