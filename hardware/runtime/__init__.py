"""The ports through which time and randomness enter, and this side's one error tree."""
