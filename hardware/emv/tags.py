"""The tag dictionary: number, name, format, who supplies it, and the book that says so.

Facts only, retyped; several numbers mean different things to different kernels, and then the name
says which meaning is the commonest in contactless and the book names it. Unknown tags are no
error: they are described by ISO/IEC 7816-4's classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hardware.emv.formats import Format
from hardware.emv.tlv import tag_bytes


class Source(Enum):
    """Who supplies a data object."""

    ICC = "card"
    TERMINAL = "terminal"
    ISSUER = "issuer"
    KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class TagInfo:
    """What the books say about one tag."""

    tag: int
    name: str
    format: Format
    source: Source
    book: str


# One line a tag: number | name | format | source (I card, T terminal, S issuer, K kernel) | book.
_TABLE = """
42|Issuer identification number|n|I|Book 3 A
4F|Application identifier (ADF name)|b|I|Book 1 12.2
50|Application label|ans|I|Book 1 12.2
52|Command to perform|b|I|ISO 7816-4
56|Track 1 data|ans|I|Book C-2 A
57|Track 2 equivalent data|b|I|Book 3 A
5A|Application primary account number|cn|I|Book 3 A
5F20|Cardholder name|ans|I|Book 3 A
5F24|Application expiration date|n|I|Book 3 A
5F25|Application effective date|n|I|Book 3 A
5F28|Issuer country code|n|I|Book 3 A
5F2A|Transaction currency code|n|T|Book 3 A
5F2D|Language preference|an|I|Book 3 A
5F30|Service code|n|I|Book 3 A
5F34|Application PAN sequence number|n|I|Book 3 A
5F36|Transaction currency exponent|n|T|Book 3 A
5F50|Issuer URL|ans|I|Book 3 A
5F53|International bank account number|var|I|Book 3 A
5F54|Bank identifier code|var|I|Book 3 A
5F55|Issuer country code, two letters|an|I|Book 3 A
5F56|Issuer country code, three letters|an|I|Book 3 A
5F57|Account type|n|T|Book 3 A
61|Application template|var|I|Book 1 12.2
6F|File control information template|var|I|Book 1 11.3
70|Record template|var|I|Book 3 A
71|Issuer script template 1|var|S|Book 3 10.10
72|Issuer script template 2|var|S|Book 3 10.10
73|Directory discretionary template|var|I|Book 1 12.2
77|Response message template format 2|var|I|Book 3 6.5
80|Response message template format 1|var|I|Book 3 6.5
81|Amount, authorised (binary)|b|T|Book 3 A
82|Application interchange profile|b|I|Book 3 C1
83|Command template|var|T|Book 3 6.5.8
84|Dedicated file name|b|I|Book 1 11.3
86|Issuer script command|b|S|Book 3 10.10
87|Application priority indicator|b|I|Book 1 12.2
88|Short file identifier|b|I|Book 1 12.2
89|Authorisation code|an|S|Book 3 A
8A|Authorisation response code|an|S|Book 3 A
8C|Card risk management data object list 1|var|I|Book 3 5.4
8D|Card risk management data object list 2|var|I|Book 3 5.4
8E|Cardholder verification method list|b|I|Book 3 10.5
8F|Certification authority public key index|b|I|Book 2 5.1
90|Issuer public key certificate|b|I|Book 2 5.3
91|Issuer authentication data|b|S|Book 2 8.2
92|Issuer public key remainder|b|I|Book 2 5.1
93|Signed static application data|b|I|Book 2 5.4
94|Application file locator|var|I|Book 3 10.2
95|Terminal verification results|b|T|Book 3 C5
97|Transaction certificate data object list|var|I|Book 3 5.4
98|Transaction certificate hash value|b|T|Book 3 A
99|Transaction PIN data|b|T|Book 3 A
9A|Transaction date|n|T|Book 3 A
9B|Transaction status information|b|T|Book 3 C6
9C|Transaction type|n|T|Book 3 A
9D|Directory definition file name|b|I|Book 1 12.2
9F01|Acquirer identifier|n|T|Book 3 A
9F02|Amount, authorised|n|T|Book 3 A
9F03|Amount, other|n|T|Book 3 A
9F04|Amount, other (binary)|b|T|Book 3 A
9F05|Application discretionary data|b|I|Book 3 A
9F06|Application identifier, terminal|b|T|Book 3 A
9F07|Application usage control|b|I|Book 3 C2
9F08|Application version number, card|b|I|Book 3 A
9F09|Application version number, terminal|b|T|Book 3 A
9F0A|Application selection registered proprietary data|var|I|Book 1 12.5
9F0B|Cardholder name, extended|ans|I|Book 3 A
9F0D|Issuer action code, default|b|I|Book 3 10.7
9F0E|Issuer action code, denial|b|I|Book 3 10.7
9F0F|Issuer action code, online|b|I|Book 3 10.7
9F10|Issuer application data|b|I|Book 3 C7
9F11|Issuer code table index|n|I|Book 1 12.4
9F12|Application preferred name|ans|I|Book 1 12.4
9F13|Last online application transaction counter|b|I|Book 3 10.6
9F14|Lower consecutive offline limit|b|I|Book 3 10.6
9F15|Merchant category code|n|T|Book 3 A
9F16|Merchant identifier|ans|T|Book 3 A
9F17|PIN try counter|b|I|Book 3 A
9F18|Issuer script identifier|b|S|Book 3 10.10
9F19|Token requestor identifier|n|I|Tokenisation framework
9F1A|Terminal country code|n|T|Book 3 A
9F1B|Terminal floor limit|b|T|Book 3 10.6
9F1C|Terminal identification|an|T|Book 3 A
9F1D|Terminal risk management data|b|T|Book C-2 A
9F1E|Interface device serial number|an|T|Book 3 A
9F1F|Track 1 discretionary data|ans|I|Book 3 A
9F20|Track 2 discretionary data|cn|I|Book 3 A
9F21|Transaction time|n|T|Book 3 A
9F22|Certification authority public key index, terminal|b|T|Book 2 5.1
9F23|Upper consecutive offline limit|b|I|Book 3 10.6
9F24|Payment account reference|an|I|Tokenisation framework
9F25|Last four digits of the account number|n|I|Tokenisation framework
9F26|Application cryptogram|b|I|Book 3 6.5.5
9F27|Cryptogram information data|b|I|Book 3 6.5.5
9F29|Extended selection|b|I|Book B 3.3
9F2A|Kernel identifier|b|I|Book B 3.3
9F2D|ICC PIN encipherment public key certificate|b|I|Book 2 7.1
9F2E|ICC PIN encipherment public key exponent|b|I|Book 2 7.1
9F2F|ICC PIN encipherment public key remainder|b|I|Book 2 7.1
9F32|Issuer public key exponent|b|I|Book 2 5.1
9F33|Terminal capabilities|b|T|Book 4 A2
9F34|Cardholder verification method results|b|T|Book 4 A4
9F35|Terminal type|n|T|Book 4 A1
9F36|Application transaction counter|b|I|Book 3 A
9F37|Unpredictable number|b|T|Book 3 A
9F38|Processing options data object list|var|I|Book 3 5.4
9F39|POS entry mode|n|T|Book 3 A
9F3A|Amount, reference currency|b|T|Book 3 A
9F3B|Application reference currency|n|I|Book 3 A
9F3C|Transaction reference currency code|n|T|Book 3 A
9F3D|Transaction reference currency exponent|n|T|Book 3 A
9F40|Additional terminal capabilities|b|T|Book 4 A3
9F41|Transaction sequence counter|n|T|Book 3 A
9F42|Application currency code|n|I|Book 3 A
9F43|Application reference currency exponent|n|I|Book 3 A
9F44|Application currency exponent|n|I|Book 3 A
9F45|Data authentication code|b|I|Book 2 5.4
9F46|ICC public key certificate|b|I|Book 2 6.4
9F47|ICC public key exponent|b|I|Book 2 6.1
9F48|ICC public key remainder|b|I|Book 2 6.1
9F49|Dynamic data authentication data object list|var|I|Book 2 6.5
9F4A|Static data authentication tag list|var|I|Book 2 5.1
9F4B|Signed dynamic application data|b|I|Book 2 6.5
9F4C|ICC dynamic number|b|I|Book 2 6.5
9F4D|Log entry|b|I|Book 3 D
9F4E|Merchant name and location|ans|T|Book 3 A
9F4F|Log format|var|I|Book 3 D
9F50|Offline accumulator balance|n|I|Book C-2 A
9F51|Recovery (DRDOL) data object list or application currency code|var|I|Book C-2 A
9F53|Transaction category code|an|T|Book C-2 A
9F5A|Application program identifier|b|I|Book C-3 A
9F5B|Issuer script results|b|T|Book C-3 A
9F5D|Available offline spending amount|n|I|Book C-3 A
9F60|CVC3 for track 1|b|I|Book C-2 A
9F61|CVC3 for track 2|b|I|Book C-2 A
9F62|Position of CVC3 in track 1|b|I|Book C-2 A
9F63|Position of unpredictable number and counter in track 1|b|I|Book C-2 A
9F64|Counter digits in track 1|b|I|Book C-2 A
9F65|Position of CVC3 in track 2|b|I|Book C-2 A
9F66|Terminal transaction qualifiers|b|T|Book C-3 A
9F67|Counter digits in track 2|b|I|Book C-2 A
9F69|Card authentication related data|b|I|Book C-3 A
9F6A|Unpredictable number, numeric|n|T|Book C-2 A
9F6B|Track 2 data of mag-stripe mode|b|I|Book C-2 A
9F6C|Card transaction qualifiers|b|I|Book C-3 A
9F6D|Contactless reader capabilities|b|T|Book C-4 A
9F6E|Form factor indicator|b|I|Book C-3 A
9F71|Mobile cardholder verification results|b|I|Book C-4 A
9F7C|Customer exclusive data|b|I|Book C-3 A
9F7D|Unpredictable number of the data storage|b|I|Book C-2 A
9F7E|Mobile support indicator|b|T|Book C-2 A
A5|FCI proprietary template|var|I|Book 1 11.3
BF0C|FCI issuer discretionary data|var|I|Book 1 11.3
DF8117|Card data input capability|b|T|Book C-2 A
DF8118|CVM capability where a CVM is required|b|T|Book C-2 A
DF8119|CVM capability where no CVM is required|b|T|Book C-2 A
DF811A|Default unpredictable number list|var|T|Book C-2 A
DF811B|Kernel configuration|b|T|Book C-2 A
DF811F|Security capability|b|T|Book C-2 A
DF811C|Maximum lifetime of a torn transaction log record|b|T|Book C-2 A
DF811D|Maximum number of torn transaction log records|b|T|Book C-2 A
DF8120|Terminal action code, default|b|T|Book C-2 A
DF8121|Terminal action code, denial|b|T|Book C-2 A
DF8122|Terminal action code, online|b|T|Book C-2 A
DF8123|Reader contactless floor limit|n|T|Book C-2 A
DF8124|Reader contactless limit without on-device verification|n|T|Book C-2 A
DF8125|Reader contactless limit with on-device verification|n|T|Book C-2 A
DF8126|Reader CVM required limit|n|T|Book C-2 A
DF4B|POS cardholder interaction information|b|I|Book C-2 A
DF811E|Mag-stripe CVM capability where a CVM is required|b|T|Book C-2 A
DF812C|Mag-stripe CVM capability where no CVM is required|b|T|Book C-2 A
DF8129|Outcome parameter set|b|K|Book C-2 A
DF8116|User interface request data|b|K|Book C-2 A
DF8132|Minimum relay resistance grace period|b|T|Book C-2 A
DF8133|Maximum relay resistance grace period|b|T|Book C-2 A
DF8134|Terminal expected transmission time of the relay resistance command|b|T|Book C-2 A
DF8135|Terminal expected transmission time of the relay resistance answer|b|T|Book C-2 A
DF8136|Relay resistance accuracy threshold|b|T|Book C-2 A
DF8137|Relay resistance transmission time mismatch threshold|b|T|Book C-2 A
DF8301|Terminal relay resistance entropy|b|K|Book C-2 A
DF8302|Device relay resistance entropy|b|I|Book C-2 A
DF8303|Least time for processing the relay resistance command|b|I|Book C-2 A
DF8304|Greatest time for processing the relay resistance command|b|I|Book C-2 A
DF8305|Device estimated transmission time of the relay resistance answer|b|I|Book C-2 A
DF8306|Measured relay resistance processing time|b|K|Book C-2 A
DF8307|Relay resistance counter|b|K|Book C-2 A
FF8101|Torn record|var|K|Book C-2 A
"""

_SOURCES = {"I": Source.ICC, "T": Source.TERMINAL, "S": Source.ISSUER, "K": Source.KERNEL}


def _read_table() -> dict[int, TagInfo]:
    table: dict[int, TagInfo] = {}
    for line in _TABLE.strip().splitlines():
        number, name, data_format, source, book = line.split("|")
        tag = int(number, 16)
        assert tag not in table, number
        table[tag] = TagInfo(tag, name, Format(data_format), _SOURCES[source], book)
    return table


TAGS: dict[int, TagInfo] = _read_table()
"""Every known tag by its number."""

_CLASSES = ("universal", "application", "context-specific", "private")


def describe_tag(tag: int) -> TagInfo:
    """What is known about a tag; for an unknown one, its class in words."""
    known = TAGS.get(tag)
    if known is not None:
        return known
    word = _CLASSES[tag_bytes(tag)[0] >> 6]
    return TagInfo(tag, f"unknown {word} tag", Format.B, Source.ICC, "ISO 7816-4 5.2.4")


def format_of(tag: int) -> Format:
    """The format by which a data object list pads or cuts this tag."""
    return describe_tag(tag).format
