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
from hardware.card.payment_card import PaymentCard
from hardware.card.remote import RemoteCryptogram, RemoteRequest
from hardware.card.secure_element import InstalledToken, SecureElement
from hardware.crypto import vectors
from hardware.emv.bitfields import CryptogramType, explain
from hardware.emv.decode import Node, decode
from hardware.emv.formats import luhn_valid
from hardware.emv.masking import mask_command, mask_digits, mask_response
from hardware.emv.tags import TAGS, TagInfo, describe_tag
from hardware.emv.tlv import Tlv
from hardware.emv.tlv import build as build_tlv
from hardware.emv.tlv import parse as parse_tlv
from hardware.faults.spec import CardFaultSpec, Effect, FaultLink, Moment
from hardware.faults.wrappers import CardFaultPlan, FaultCount, FaultyLink, FaultyReader, Fired
from hardware.readers.discovery import ReaderInfo, list_readers
from hardware.readers.emulated import EmulatedLink, EmulatedReader
from hardware.readers.exchange import Exchange, name_command, record_exchange
from hardware.readers.port import Card, CardLink, Reader
from hardware.readers.timing import INSTANT, PHONE, PROFILES, TimingProfile
from hardware.runtime.errors import (
    ApduError,
    AtcExhausted,
    CardCollision,
    CardFault,
    CardLinkError,
    CardMute,
    CardRemoved,
    FaultPlanError,
    HardwareError,
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
)
from hardware.runtime.ports import Clock, Scheduler, Stream
from hardware.terminal.config import Combination, TapRequest, TerminalConfig
from hardware.terminal.dialogue import LAB_IIN, Dialogue, Trust
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
from hardware.terminal.session import run_tap
from hardware.trace.page import to_html
from hardware.trace.pcapng import to_pcapng
from hardware.trace.recorder import Trace, TraceLine, TraceRecorder, node_json, parse_trace
from hardware.trace.replay import RecordedDialogue, RecordedExchange, ReplayLink, read_dialogues

__all__ = [
    "ENDINGS",
    "FAILED_SCANS_MAX",
    "INSTANT",
    "LAB_IIN",
    "PHONE",
    "PROFILES",
    "TAGS",
    "ApduError",
    "AtcExhausted",
    "Card",
    "CardCollision",
    "CardFault",
    "CardFaultPlan",
    "CardFaultSpec",
    "CardLink",
    "CardLinkError",
    "CardMute",
    "CardRemoved",
    "CardholderVerification",
    "Clock",
    "Combination",
    "CommandApdu",
    "CryptogramType",
    "Dialogue",
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
    "InstalledToken",
    "Moment",
    "Network",
    "NoCard",
    "Node",
    "NotArmed",
    "Outcome",
    "PaymentCard",
    "ProvisioningRefused",
    "Reader",
    "ReaderGone",
    "ReaderInfo",
    "RecordedDialogue",
    "RecordedExchange",
    "RemoteCryptogram",
    "RemoteRequest",
    "ReplayLink",
    "ResponseApdu",
    "ScanFailed",
    "ScanOutcome",
    "ScanRefusal",
    "Scheduler",
    "SecureElement",
    "SecureElementBusy",
    "SecureElementDamaged",
    "SecureElementError",
    "StartPoint",
    "Stream",
    "TagInfo",
    "TapRequest",
    "TapResult",
    "TerminalConfig",
    "TimingProfile",
    "Tlv",
    "TlvError",
    "Trace",
    "TraceFormatError",
    "TraceLine",
    "TraceRecorder",
    "Trust",
    "UiMessage",
    "UiRequest",
    "UiStatus",
    "VectorFormatError",
    "build_tlv",
    "decode",
    "describe_tag",
    "explain",
    "list_readers",
    "luhn_valid",
    "mask_command",
    "mask_digits",
    "mask_response",
    "name_command",
    "node_json",
    "parse_tlv",
    "parse_trace",
    "read_dialogues",
    "record_exchange",
    "run_tap",
    "status_name",
    "to_html",
    "to_pcapng",
    "vectors",
]
