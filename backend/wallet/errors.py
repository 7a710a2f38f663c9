"""The wallet's own faults; outcomes and bad input are elsewhere.

BackendError
└── NetworkUnavailable    a token service did not answer; the same request may be tried again
"""

from __future__ import annotations

from backend.runtime.errors import BackendError


class NetworkUnavailable(BackendError):
    """The token service did not answer; nothing is stored, the same key may be tried again."""
