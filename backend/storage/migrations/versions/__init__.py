"""One module a revision; never edited after its release."""
