"""The payment engine: provisioning, authorization, ledger, and the card networks it talks to.

Knows nothing of readers, cards or Qt: chip data crosses as opaque bytes. Enter through
`backend.api`.
"""
