"""The bench: readers, the conversation with a card, its bytes decoded."""
