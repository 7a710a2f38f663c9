"""One request under `/v1`, once its sender is known, and what a resource answers to it.

A resource module lists `Route`s. A route has one of three bodies: `Read` runs on the last committed
state; `Write` is one unit of work, and an idempotency key is kept in that same unit; `Prepared` is
one that awaits something first; `Long` is for
what calls a network: `begin` is the first unit (with the key), `go_on` does the rest and hands back
the last unit (with the key's answer). `go_on` may be called again after a crash, with what `begin`
returned, and has to arrive at the same end. A resource decides nothing about money: it reads
parameters, asks a service, shows the result.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from backend.gateway.merchant_account import MerchantAccount
from backend.http.stripe_wire.forms import Form
from backend.http.stripe_wire.params import Params
from backend.runtime.events import Event
from backend.storage.database import Transaction

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    Attributes:
        merchant: whose key it showed; every look-up is within this merchant.
        method: "GET", "POST" or "DELETE".
        path: "/v1/customers/cus_1".
        ids: what the route's pattern caught, by name.
        form: the parameters, `expand` taken out.
        request_id: "req_…".
        now_us: lab time at which it came.
    """

    merchant: MerchantAccount
    method: str
    path: str
    ids: Mapping[str, str]
    form: Form
    request_id: str
    now_us: int

    def params(self) -> Params:
        """A reader of the parameters; use it as a context, so that unknown ones are refused."""
        return Params(self.form)


@dataclass(frozen=True, slots=True)
class Done:
    """What a unit of work did.

    Attributes:
        body: the answer.
        events: published after the commit.
        after: called after the commit (to wake what waits for rows).
    """

    body: Json
    events: tuple[Event, ...] = ()
    after: tuple[Callable[[], None], ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """The first unit of a long piece of work.

    Attributes:
        object_id: what `go_on` needs to find everything again.
    """

    object_id: str
    events: tuple[Event, ...] = ()
    after: tuple[Callable[[], None], ...] = ()


ReadBody = Callable[[Call, Transaction], Json]
WriteBody = Callable[[Call, Transaction], Done]
BeginBody = Callable[[Call, Transaction], Begun]
LastUnit = Callable[[Transaction], Done]
GoOnBody = Callable[[Call, str], Awaitable[LastUnit]]


@dataclass(frozen=True, slots=True)
class Read:
    """An answer from the last committed state."""

    body: ReadBody


@dataclass(frozen=True, slots=True)
class Write:
    """One unit of work."""

    body: WriteBody


@dataclass(frozen=True, slots=True)
class Long:
    """Commit, then call, then commit."""

    begin: BeginBody
    go_on: GoOnBody


@dataclass(frozen=True, slots=True)
class Prepared:
    """What needs something beforehand (a reference of its own), or looks before it chooses."""

    prepare: Callable[[Call], Awaitable[Write | Long]]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers one method of one path.

    Attributes:
        method: "GET", "POST" or "DELETE".
        path: pattern with names in braces: "/v1/customers/{id}".
        body: how it is answered.
    """

    method: str
    path: str
    body: Read | Write | Prepared | Long


Find = Callable[[Transaction, str, str], Json | None]
"""Shows one object: unit of work, merchant's id, object's id; None when there is none such."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What one module of resources serves.

    Attributes:
        routes: its paths.
        finders: how an object is shown, by the prefix of its identifier ("cus"); `expand` uses it.
    """

    routes: tuple[Route, ...]
    finders: Mapping[str, Find] = field(default_factory=dict)
