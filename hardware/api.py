"""The only door into `hardware`: what the window, the command line and scenarios may use.

Re-exports and nothing else. Importing it loads neither a driver nor the JWE library; those are
imported where they are used.
"""

from __future__ import annotations

from hardware.apdu import CommandApdu, ResponseApdu, status_name
from hardware.card.credentials import Network
from hardware.card.face import (
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
from hardware.card.stripe_card import shows_stripe, stripe_card
from hardware.card.wrist import WristSensor, WristState
from hardware.crypto import vectors
from hardware.crypto.cryptogram import visa_cvn18
from hardware.crypto.keys import icc_master_key_a
from hardware.emv.bitfields import CryptogramType, explain
from hardware.emv.decode import Node, decode
from hardware.emv.decode_command import CardLists, decode_command
from hardware.emv.form_factor import Evidence, FormFactor, Medium, judge
from hardware.emv.formats import luhn_valid
from hardware.emv.marks import Mark
from hardware.emv.masking import mask_command, mask_digits, mask_response
from hardware.emv.tags import TAGS, describe_tag
from hardware.emv.tlv import Tlv
from hardware.emv.tlv import build as build_tlv
from hardware.emv.tlv import parse as parse_tlv
from hardware.faults.spec import CardFaultSpec, Effect, FaultLink, Moment
from hardware.faults.wrappers import CardFaultPlan, FaultCount, FaultyLink, FaultyReader, Fired
from hardware.publish.nfc_client import NfcClient
from hardware.publish.powered_card import PoweredCard, Witness
from hardware.publish.transmission import Transmission
from hardware.publish.vpcd_client import (
    VPCD_PORT,
    Address,
    Publication,
    PublicationChange,
    VpcdClient,
)
from hardware.readers.discovery import EMULATED, ReaderInfo, list_readers
from hardware.readers.emulated import EmulatedReader
from hardware.readers.exchange import Exchange, name_command, record_exchange
from hardware.readers.frames import (
    Frame,
    Way,
    carrying_part,
    frames_of,
    name_frames,
    selection,
)
from hardware.readers.lights import Signal
from hardware.readers.models import CAPABILITIES, READER_MODELS, ReaderModel, in_order
from hardware.readers.nfc import NfcLink, NfcReader
from hardware.readers.nfc_controller import (
    NFC_SCHEMES,
    PN532_SCHEME,
    Controller,
    Identity,
    NfcAddress,
    nfc_address,
)
from hardware.readers.nfc_listing import (
    NfcTrouble,
    nfc_readers,
    port_reader,
    probe_nfc,
    survey_nfc,
)
from hardware.readers.nfc_seat import NfcPatience
from hardware.readers.nfcpy_driver import Nfcpy
from hardware.readers.overheard import Overheard
from hardware.readers.pcsc import SCHEME as PCSC_SCHEME
from hardware.readers.pcsc import PcscReader
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
from hardware.readers.tag_kinds import (
    Activation,
    TagFamily,
    TagKind,
    activation_of,
    is_random,
    kind_of,
)
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
    PlainTag,
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
from hardware.terminal.command_effects import CommandEffect, Weight, effect_of
from hardware.terminal.config import (
    AMOUNT_MINOR_MAX,
    Combination,
    KernelOptions,
    Modes,
    TapRequest,
    TerminalConfig,
)
from hardware.terminal.dialogue import Dialogue, Trust
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
from hardware.terminal.reading import (
    ReadApplication,
    Reading,
    Sort,
    Stop,
    read_card,
    reading_of_tag,
)
from hardware.terminal.relay import RelaySettings
from hardware.terminal.risk import ActionCodes, RandomSelection
from hardware.terminal.selection import read_selection
from hardware.terminal.session import run_tap
from hardware.terminal.torn import TornLog
from hardware.trace.frame_text import frame_lines, parse_frame
from hardware.trace.page import to_html
from hardware.trace.pcapng import to_pcapng
from hardware.trace.recorder import Trace, TraceLine, TraceRecorder, node_json, parse_trace
from hardware.trace.replay import (
    RecordedDialogue,
    ReplayClock,
    ReplayLink,
    dialogue_of,
    read_dialogues,
)

__all__ = [
    "AMOUNT_MINOR_MAX",
    "ANNOUNCE",
    "ATC_MAX",
    "CAPABILITIES",
    "EMULATED",
    "ENDINGS",
    "INSTANT",
    "NFC_SCHEMES",
    "NO_AUTHORITIES",
    "PCSC_SCHEME",
    "PHONE",
    "PN532_SCHEME",
    "PROFILES",
    "READER_MODELS",
    "TAGS",
    "TRANSIT_FRAME",
    "VPCD_PORT",
    "ActionCodes",
    "Activation",
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
    "CommandEffect",
    "Controller",
    "CryptogramType",
    "Dialogue",
    "DriverMissing",
    "Effect",
    "EmulatedReader",
    "Evidence",
    "Exchange",
    "FaceAssertion",
    "FaceSensor",
    "FaultCount",
    "FaultLink",
    "FaultPlanError",
    "FaultyLink",
    "FaultyReader",
    "Fired",
    "FormFactor",
    "Frame",
    "HardwareError",
    "HearsPolling",
    "Identity",
    "InstalledToken",
    "KernelOptions",
    "Mark",
    "Medium",
    "Modes",
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
    "Overheard",
    "PaymentCard",
    "PcscMonitor",
    "PcscReader",
    "PcscService",
    "PcscTrouble",
    "PlainTag",
    "PoweredCard",
    "ProvisioningRefused",
    "Publication",
    "PublicationChange",
    "RandomSelection",
    "ReadApplication",
    "Reader",
    "ReaderGone",
    "ReaderInfo",
    "ReaderModel",
    "Reading",
    "RecognisedBy",
    "Recognition",
    "RecordedDialogue",
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
    "Signal",
    "Snapshot",
    "Sort",
    "StartPoint",
    "Stop",
    "Stream",
    "TagFamily",
    "TagKind",
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
    "Way",
    "Weight",
    "Winscard",
    "Witness",
    "WristSensor",
    "WristState",
    "activation_of",
    "build_tlv",
    "carrying_part",
    "decode",
    "decode_command",
    "describe_tag",
    "dialogue_of",
    "effect_of",
    "explain",
    "frame_lines",
    "frames_of",
    "icc_master_key_a",
    "in_order",
    "is_random",
    "judge",
    "kind_of",
    "list_readers",
    "luhn_valid",
    "mask_command",
    "mask_digits",
    "mask_response",
    "name_command",
    "name_frames",
    "nfc_address",
    "nfc_readers",
    "node_json",
    "parse_frame",
    "parse_tlv",
    "parse_trace",
    "pcsc_readers",
    "port_reader",
    "probe_nfc",
    "read_announcement",
    "read_authorities",
    "read_card",
    "read_dialogues",
    "read_selection",
    "readers_seen",
    "reading_of_tag",
    "record_exchange",
    "run_tap",
    "selection",
    "shows_stripe",
    "status_name",
    "stripe_card",
    "survey_nfc",
    "survey_pcsc",
    "to_html",
    "to_pcapng",
    "vectors",
    "visa_cvn18",
    "write_authorities",
]
