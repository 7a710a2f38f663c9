"""Wires the card vault and the payments with its cards."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.gateway.card_payments import CardPaymentPorts, CardPayments
from backend.payments.engine import PaymentEngine
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.vault_rows import SqlVaultRows
from backend.switch.tsp_client import TspClient
from backend.vault.cards import CardVault, VaultPorts
from backend.vault.data_keys import DataKeys
from backend.vault.network_blocks import NetworkBlocks
from backend.vault.rotation import Rotation, RotationPorts
from backend.vault.software_wrapper import SoftwareWrapper


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards that merchants keep, and payments with them."""

    vault: CardVault[Transaction]
    payments: CardPayments[Transaction]
    rotation: Rotation[Transaction]

    def start(self, ground: Ground) -> None:
        """Rotate the vault's keys every month for as long as the engine runs."""
        ground.scheduler.spawn(self.rotation.run_forever(), "vault keys")


def open_cards(
    files: Files,
    payments: PaymentEngine[Transaction],
    tokens: TspClient,
    events: EventLog,
    ground: Ground,
) -> Cards:
    """The vault over its rows and the folder's key home, and payments with its cards."""
    rows, secret, clock = SqlVaultRows(), ground.entropy.secret, ground.clock
    nonces = secret("card_vault.wrapping")
    wrapper = files.keys.token or SoftwareWrapper(
        files.named_keys.key, files.keys.home.value, nonces
    )
    keys = DataKeys(rows, wrapper, clock, secret("card_vault.keys"))
    fingerprint_key = files.named_keys.key("card fingerprint")
    rotation = Rotation(
        RotationPorts(files.engine, rows, keys, clock, ground.scheduler, events.emit)
    )
    return Cards(
        vault=CardVault(
            VaultPorts(rows, keys, fingerprint_key, clock, secret("card_vault.records"))
        ),
        payments=CardPayments(
            CardPaymentPorts(
                store=files.engine,
                payments=SqlPaymentRows(),
                engine=payments,
                blocks=NetworkBlocks(rows, keys, clock),
                network_key=tokens.public_key,
                events=events,
            )
        ),
        rotation=rotation,
    )
