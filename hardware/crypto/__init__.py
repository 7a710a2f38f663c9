"""The card's arithmetic: key derivation, MACs, cryptograms, and the check against vectors."""
