"""The doctor: what this machine and this data folder lack, each finding with its remedy."""
