"""The issuer's side of the chip: reads DE 55 and checks the cryptogram in it.

Written without a look at the card's side: the two meet in published vectors and in whole taps only.
"""
