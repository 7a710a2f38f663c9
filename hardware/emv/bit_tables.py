"""What each bit of a bit field says, as data: byte, mask, words.

Sources: Book 3 Annex C (82, 95, 9B, 9F07) and 10.5 (8E), Book 4 Annex A (9F33, 9F40), Book C-3
Annex A (9F66, 9F6C), Book C-2 Annex A (9F7E, DF4B), Book C-4 Annex A (9F6D, 9F6E of the terminal).
What issuers and networks keep to themselves (the verification results inside 9F10, a phone's form
factor) follows what published traces show and says so: lab approximation. Knows no value.
"""

from __future__ import annotations

BitTable = tuple[tuple[int, int, str], ...]

TTQ: BitTable = (
    (0, 0x80, "magnetic-stripe mode supported"),
    (0, 0x20, "EMV mode supported"),
    (0, 0x10, "EMV contact chip supported"),
    (0, 0x08, "offline-only reader"),
    (0, 0x04, "online PIN supported"),
    (0, 0x02, "signature supported"),
    (0, 0x01, "offline data authentication for online authorisations supported"),
    (1, 0x80, "online cryptogram required"),
    (1, 0x40, "cardholder verification required"),
    (1, 0x20, "contact chip offline PIN supported"),
    (2, 0x80, "issuer update processing supported"),
    (2, 0x40, "verification on the consumer's device supported"),
)
CTQ: BitTable = (
    (0, 0x80, "online PIN required"),
    (0, 0x40, "signature required"),
    (0, 0x20, "go online if offline data authentication fails"),
    (0, 0x10, "switch interface if offline data authentication fails"),
    (0, 0x08, "go online if the application is expired"),
    (0, 0x04, "switch interface for cash"),
    (0, 0x02, "switch interface for cashback"),
    (1, 0x80, "verification on the consumer's device performed"),
    (1, 0x40, "issuer update processing supported by the card"),
)
AIP: BitTable = (
    (0, 0x40, "static data authentication supported"),
    (0, 0x20, "dynamic data authentication supported"),
    (0, 0x10, "cardholder verification supported"),
    (0, 0x08, "terminal risk management to be performed"),
    (0, 0x04, "issuer authentication supported"),
    (0, 0x02, "verification on the consumer's device supported"),
    (0, 0x01, "combined data authentication supported"),
    (1, 0x80, "EMV mode supported (kernel 2) or magnetic-stripe mode (kernel 3)"),
    (1, 0x40, "mobile device (kernel 4)"),
    (1, 0x01, "relay resistance protocol supported"),
)
TVR: BitTable = (
    (0, 0x80, "offline data authentication was not performed"),
    (0, 0x40, "static data authentication failed"),
    (0, 0x20, "card data missing"),
    (0, 0x10, "card is on the exception file"),
    (0, 0x08, "dynamic data authentication failed"),
    (0, 0x04, "combined data authentication failed"),
    (1, 0x80, "card and terminal have different application versions"),
    (1, 0x40, "expired application"),
    (1, 0x20, "application not yet effective"),
    (1, 0x10, "requested service not allowed for this card"),
    (1, 0x08, "new card"),
    (2, 0x80, "cardholder verification was not successful"),
    (2, 0x40, "unrecognised verification method"),
    (2, 0x20, "PIN try limit exceeded"),
    (2, 0x10, "PIN entry required, PIN pad missing or not working"),
    (2, 0x08, "PIN entry required, PIN pad present, PIN not entered"),
    (2, 0x04, "online PIN entered"),
    (3, 0x80, "transaction exceeds floor limit"),
    (3, 0x40, "lower consecutive offline limit exceeded"),
    (3, 0x20, "upper consecutive offline limit exceeded"),
    (3, 0x10, "selected at random for online processing"),
    (3, 0x08, "merchant forced the transaction online"),
    (4, 0x80, "default transaction certificate list used"),
    (4, 0x40, "issuer authentication failed"),
    (4, 0x20, "script failed before the final GENERATE AC"),
    (4, 0x10, "script failed after the final GENERATE AC"),
    (4, 0x08, "relay resistance threshold exceeded"),
    (4, 0x04, "relay resistance time limits exceeded"),
)
TSI: BitTable = (
    (0, 0x80, "offline data authentication was performed"),
    (0, 0x40, "cardholder verification was performed"),
    (0, 0x20, "card risk management was performed"),
    (0, 0x10, "issuer authentication was performed"),
    (0, 0x08, "terminal risk management was performed"),
    (0, 0x04, "script processing was performed"),
)
USAGE: BitTable = (
    (0, 0x80, "valid for domestic cash"),
    (0, 0x40, "valid for international cash"),
    (0, 0x20, "valid for domestic goods"),
    (0, 0x10, "valid for international goods"),
    (0, 0x08, "valid for domestic services"),
    (0, 0x04, "valid for international services"),
    (0, 0x02, "valid at cash machines"),
    (0, 0x01, "valid at terminals other than cash machines"),
    (1, 0x80, "domestic cashback allowed"),
    (1, 0x40, "international cashback allowed"),
)
TERMINAL_CAPABILITIES: BitTable = (
    (0, 0x80, "manual key entry"),
    (0, 0x40, "magnetic stripe"),
    (0, 0x20, "chip with contacts"),
    (1, 0x80, "plaintext PIN for verification by the card"),
    (1, 0x40, "enciphered PIN for online verification"),
    (1, 0x20, "signature"),
    (1, 0x10, "enciphered PIN for offline verification"),
    (1, 0x08, "no verification required"),
    (2, 0x80, "static data authentication"),
    (2, 0x40, "dynamic data authentication"),
    (2, 0x20, "card capture"),
    (2, 0x08, "combined data authentication"),
)
MORE_CAPABILITIES: BitTable = (
    (0, 0x80, "cash"),
    (0, 0x40, "goods"),
    (0, 0x20, "services"),
    (0, 0x10, "cashback"),
    (0, 0x08, "inquiry"),
    (0, 0x04, "transfer"),
    (0, 0x02, "payment"),
    (0, 0x01, "administrative"),
    (1, 0x80, "cash deposit"),
    (2, 0x80, "numeric keys"),
    (2, 0x40, "letters and special characters on keys"),
    (2, 0x20, "command keys"),
    (2, 0x10, "function keys"),
    (3, 0x80, "prints for the attendant"),
    (3, 0x40, "prints for the cardholder"),
    (3, 0x20, "displays for the attendant"),
    (3, 0x10, "displays for the cardholder"),
)
AMEX_READER: BitTable = (
    (0, 0x80, "contact mode supported"),
    (0, 0x40, "contactless magnetic-stripe mode supported"),
    (0, 0x20, "contactless EMV full online mode supported"),
    (0, 0x10, "contactless EMV partial online mode supported"),
    (0, 0x08, "contactless mobile supported"),
    (0, 0x04, "try another interface after a decline"),
    (1, 0x80, "verification on the mobile supported"),
    (1, 0x40, "online PIN supported"),
    (1, 0x20, "signature supported"),
    (1, 0x10, "plaintext offline PIN supported"),
    (2, 0x80, "offline-only reader"),
    (2, 0x40, "cardholder verification required"),
    (3, 0x80, "exempt from no-verification checks"),
    (3, 0x40, "delayed authorisation terminal"),
    (3, 0x20, "transit terminal"),
)
FORM_FACTOR: BitTable = (
    (1, 0x80, "passcode capable"),
    (1, 0x40, "signature panel"),
    (1, 0x20, "hologram"),
    (1, 0x10, "printed security code supported"),
    (1, 0x08, "two-way messaging"),
    (1, 0x04, "cloud-based credentials"),
    (1, 0x02, "biometric verification capable"),
)
VISA_RESULTS: BitTable = (
    (1, 0x08, "issuer authentication performed and failed"),
    (1, 0x04, "offline PIN verification performed"),
    (1, 0x02, "offline PIN verification failed"),
    (1, 0x01, "unable to go online"),
    (2, 0x80, "last online transaction not completed"),
    (2, 0x40, "PIN try limit exceeded"),
    (2, 0x20, "velocity checking counters exceeded"),
    (2, 0x10, "new card"),
    (2, 0x08, "issuer authentication failed on the last online transaction"),
    (2, 0x04, "issuer authentication not performed after online authorisation"),
    (2, 0x02, "application blocked by the card"),
    (2, 0x01, "static data authentication failed on the last transaction"),
    (3, 0x08, "issuer script failed on the last transaction"),
    (3, 0x04, "dynamic data authentication failed on the last transaction"),
    (3, 0x02, "dynamic data authentication performed"),
)
MASTERCARD_RESULTS: BitTable = (
    (0, 0x04, "offline PIN verification performed"),
    (0, 0x02, "offline enciphered PIN verification performed"),
    (0, 0x01, "offline PIN verification successful"),
    (1, 0x80, "dynamic data authentication returned"),
    (1, 0x40, "combined data authentication in the first GENERATE AC"),
    (1, 0x20, "combined data authentication in the second GENERATE AC"),
    (1, 0x10, "issuer authentication performed"),
    (3, 0x40, "unable to go online"),
    (3, 0x20, "offline PIN verification not performed"),
    (3, 0x10, "offline PIN verification failed"),
    (3, 0x08, "PIN try limit exceeded"),
    (3, 0x04, "international transaction"),
    (3, 0x02, "domestic transaction"),
    (4, 0x80, "lower consecutive offline limit exceeded"),
    (4, 0x40, "upper consecutive offline limit exceeded"),
    (4, 0x20, "lower cumulative offline limit exceeded"),
    (4, 0x10, "upper cumulative offline limit exceeded"),
    (4, 0x08, "go online on the next transaction was set"),
)

INTERACTION: BitTable = (
    (1, 0x10, "verification on the consumer's device successful"),
    (1, 0x08, "context is conflicting: look at the phone"),
    (1, 0x04, "the device's code has to be changed: look at the phone"),
    (1, 0x02, "the owner has to confirm: look at the phone and tap again"),
    (1, 0x01, "the owner has to be verified: look at the phone and tap again"),
)
MOBILE_SUPPORT: BitTable = (
    (0, 0x02, "verification on the consumer's device required"),
    (0, 0x01, "mobile devices supported"),
)
FIELDS: dict[int, tuple[int, BitTable]] = {
    0x9F66: (4, TTQ),
    0x9F6C: (2, CTQ),
    0x82: (2, AIP),
    0x95: (5, TVR),
    0x9B: (2, TSI),
    0x9F07: (2, USAGE),
    0x9F33: (3, TERMINAL_CAPABILITIES),
    0x9F40: (5, MORE_CAPABILITIES),
    0x9F0D: (5, TVR),
    0xDF4B: (3, INTERACTION),
    0x9F7E: (1, MOBILE_SUPPORT),
    0x9F0E: (5, TVR),
    0x9F0F: (5, TVR),
}
"""Fields that are nothing but bits: how many bytes they have, and the table."""
