"""The only door into `hardware`: what the window, the command line and scenarios may use.

Re-exports and nothing else. Importing it loads neither a driver nor the JWE library; those are
imported where they are used.
"""

from __future__ import annotations

from hardware.apdu import CommandApdu, ResponseApdu, status_name
from hardware.card.credentials import Network
from hardware.card.face import (
    FAILED_SCANS_MAX,
    FaceAssertion,
    FaceSensor,
    ScanFailed,
    ScanOutcome,
    ScanRefusal,
)
from hardware.card.installed import ATC_MAX, InstalledToken, RecognisedBy, Recognition
from hardware.card.payment_card import PaymentCard
from hardware.card.remote import RemoteCryptogram, RemoteRequest
from hardware.card.secure_element import SecureElement
from hardware.crypto import vectors
from hardware.emv.bitfields import CryptogramType, explain
from hardware.emv.decode import Node, decode
from hardware.emv.decode_command import CardLists, decode_command
from hardware.emv.formats import luhn_valid
from hardware.emv.marks import Mark
from hardware.emv.masking import mask_command, mask_digits, mask_response
from hardware.emv.tags import TAGS, TagInfo, describe_tag
from hardware.emv.tlv import Tlv
from hardware.emv.tlv import build as build_tlv
from hardware.emv.tlv import parse as parse_tlv
from hardware.faults.spec import CardFaultSpec, Effect, FaultLink, Moment
from hardware.faults.wrappers import CardFaultPlan, FaultCount, FaultyLink, FaultyReader, Fired
from hardware.publish.nfc_client import NfcClient
from hardware.publish.powered_card import PoweredCard
from hardware.publish.transmission import Transmission
from hardware.publish.vpcd_client import (
    VPCD_PORT,
    Address,
    Publication,
    PublicationChange,
    VpcdClient,
)
from hardware.readers.discovery import EMULATED, ReaderInfo, list_readers
from hardware.readers.emulated import EmulatedLink, EmulatedReader
from hardware.readers.exchange import Exchange, name_command, record_exchange
from hardware.readers.nfc import NfcLink, NfcPatience, NfcReader
from hardware.readers.nfc_controller import (
    NFC_SCHEMES,
    PN532_SCHEME,
    Controller,
    Identity,
    NfcAddress,
    nfc_address,
)
from hardware.readers.nfc_listing import NfcTrouble, nfc_readers, probe_nfc, survey_nfc
from hardware.readers.nfcpy_driver import Nfcpy
from hardware.readers.pcsc import SCHEME as PCSC_SCHEME
from hardware.readers.pcsc import PcscReader
from hardware.readers.pcsc_errors import PcscFault
from hardware.readers.pcsc_listing import PcscTrouble, pcsc_readers, readers_seen, survey_pcsc
from hardware.readers.pcsc_monitor import PcscMonitor, Snapshot
from hardware.readers.pcsc_service import PcscService, Winscard
from hardware.readers.polling import (
    ANNOUNCE,
    TRANSIT_FRAME,
    Announcement,
    Announces,
    HearsPolling,
    read_announcement,
)
from hardware.readers.port import Card, CardLink, Reader
from hardware.readers.timing import INSTANT, PHONE, PROFILES, TimingProfile
from hardware.runtime.errors import (
    ApduError,
    AtcExhausted,
    AuthorityFormatError,
    CardCollision,
    CardFault,
    CardHeld,
    CardLinkError,
    CardMute,
    CardRemoved,
    DriverMissing,
    FaultPlanError,
    HardwareError,
    NfcUnreachable,
    NoCard,
    NotArmed,
    ProvisioningRefused,
    ReaderGone,
    SecureElementBusy,
    SecureElementDamaged,
    SecureElementError,
    TlvError,
    TraceFormatError,
    VectorFormatError,
    VpcdFrameError,
    VpcdUnreachable,
)
from hardware.runtime.ports import Clock, Scheduler, Stream
from hardware.terminal.authorities import (
    NO_AUTHORITIES,
    Authorities,
    AuthorityKey,
    Revoked,
    read_authorities,
    write_authorities,
)
from hardware.terminal.config import (
    AMOUNT_MINOR_MAX,
    Combination,
    KernelOptions,
    TapRequest,
    TerminalConfig,
)
from hardware.terminal.dialogue import LAB_IIN, Dialogue, Trust
from hardware.terminal.limits import ResponseLimits
from hardware.terminal.outcome import (
    ENDINGS,
    CardholderVerification,
    Outcome,
    StartPoint,
    TapResult,
    UiMessage,
    UiRequest,
    UiStatus,
)
from hardware.terminal.relay import RelaySettings
from hardware.terminal.risk import ActionCodes, RandomSelection
from hardware.terminal.session import run_tap
from hardware.terminal.torn import TornLog
from hardware.trace.page import to_html
from hardware.trace.pcapng import to_pcapng
from hardware.trace.recorder import Trace, TraceLine, TraceRecorder, node_json, parse_trace
from hardware.trace.replay import (
    RecordedDialogue,
    RecordedExchange,
    ReplayClock,
    ReplayLink,
    dialogue_of,
    read_dialogues,
)

__all__ = [
    "AMOUNT_MINOR_MAX",
    "ANNOUNCE",
    "ATC_MAX",
    "EMULATED",
    "ENDINGS",
    "FAILED_SCANS_MAX",
    "INSTANT",
    "LAB_IIN",
    "NFC_SCHEMES",
    "NO_AUTHORITIES",
    "PCSC_SCHEME",
    "PHONE",
    "PN532_SCHEME",
    "PROFILES",
    "TAGS",
    "TRANSIT_FRAME",
    "VPCD_PORT",
    "ActionCodes",
    "Address",
    "Announcement",
    "Announces",
    "ApduError",
    "AtcExhausted",
    "Authorities",
    "AuthorityFormatError",
    "AuthorityKey",
    "Card",
    "CardCollision",
    "CardFault",
    "CardFaultPlan",
    "CardFaultSpec",
    "CardHeld",
    "CardLink",
    "CardLinkError",
    "CardLists",
    "CardMute",
    "CardRemoved",
    "CardholderVerification",
    "Clock",
    "Combination",
    "CommandApdu",
    "Controller",
    "CryptogramType",
    "Dialogue",
    "DriverMissing",
    "Effect",
    "EmulatedLink",
    "EmulatedReader",
    "Exchange",
    "FaceAssertion",
    "FaceSensor",
    "FaultCount",
    "FaultLink",
    "FaultPlanError",
    "FaultyLink",
    "FaultyReader",
    "Fired",
    "HardwareError",
    "HearsPolling",
    "Identity",
    "InstalledToken",
    "KernelOptions",
    "Mark",
    "Moment",
    "Network",
    "NfcAddress",
    "NfcClient",
    "NfcLink",
    "NfcPatience",
    "NfcReader",
    "NfcTrouble",
    "NfcUnreachable",
    "Nfcpy",
    "NoCard",
    "Node",
    "NotArmed",
    "Outcome",
    "PaymentCard",
    "PcscFault",
    "PcscMonitor",
    "PcscReader",
    "PcscService",
    "PcscTrouble",
    "PoweredCard",
    "ProvisioningRefused",
    "Publication",
    "PublicationChange",
    "RandomSelection",
    "Reader",
    "ReaderGone",
    "ReaderInfo",
    "RecognisedBy",
    "Recognition",
    "RecordedDialogue",
    "RecordedExchange",
    "RelaySettings",
    "RemoteCryptogram",
    "RemoteRequest",
    "ReplayClock",
    "ReplayLink",
    "ResponseApdu",
    "ResponseLimits",
    "Revoked",
    "ScanFailed",
    "ScanOutcome",
    "ScanRefusal",
    "Scheduler",
    "SecureElement",
    "SecureElementBusy",
    "SecureElementDamaged",
    "SecureElementError",
    "Snapshot",
    "StartPoint",
    "Stream",
    "TagInfo",
    "TapRequest",
    "TapResult",
    "TerminalConfig",
    "TimingProfile",
    "Tlv",
    "TlvError",
    "TornLog",
    "Trace",
    "TraceFormatError",
    "TraceLine",
    "TraceRecorder",
    "Transmission",
    "Trust",
    "UiMessage",
    "UiRequest",
    "UiStatus",
    "VectorFormatError",
    "VpcdClient",
    "VpcdFrameError",
    "VpcdUnreachable",
    "Winscard",
    "build_tlv",
    "decode",
    "decode_command",
    "describe_tag",
    "dialogue_of",
    "explain",
    "list_readers",
    "luhn_valid",
    "mask_command",
    "mask_digits",
    "mask_response",
    "name_command",
    "nfc_address",
    "nfc_readers",
    "node_json",
    "parse_tlv",
    "parse_trace",
    "pcsc_readers",
    "probe_nfc",
    "read_announcement",
    "read_authorities",
    "read_dialogues",
    "readers_seen",
    "record_exchange",
    "run_tap",
    "status_name",
    "survey_nfc",
    "survey_pcsc",
    "to_html",
    "to_pcapng",
    "vectors",
    "write_authorities",
]
