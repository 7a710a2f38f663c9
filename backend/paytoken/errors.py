"""Why a payment token was refused: one class, a closed set of codes."""

from __future__ import annotations

from backend.runtime.errors import BadRequest


class TokenRefused(BadRequest):
    """A payment token that must not be used.

    Codes: `token_malformed` (no such document, or a field is not what it must be),
    `token_version` (neither EC_v1 nor RSA_v1), `token_other_merchant` (sealed for another key),
    `token_signature` (not signed by its leaf, or signed over something else),
    `token_chain` (no chain from leaf to the root, or a marker is missing),
    `token_stale` (signed too long before or after the moment of the check),
    `token_decryption` (the box does not open: another key, or it was changed),
    `token_content` (it opened, and is no payment),
    `token_replayed` (its transaction identifier was seen before).
    """
