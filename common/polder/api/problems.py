"""Problems (RFC 9457): what can go wrong with a request, each kind with a page of this service that
explains it."""

from __future__ import annotations

from typing import Any, NamedTuple

from rest_framework.exceptions import APIException

from polder.api.addresses import address

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50  # told of one request


class Kind(NamedTuple):
    status: int
    title: str
    explanation: str


CATALOGUE: dict[str, Kind] = {
    "invalid": Kind(
        400,
        "The request does not keep to the contract",
        "`errors` names each field and what is wrong with it.",
    ),
    "not-authenticated": Kind(
        401,
        "No valid credentials",
        "Send `Authorization: Api-Key <key>`, with a key that is not revoked.",
    ),
    "not-permitted": Kind(
        403,
        "Not permitted",
        "Use a key whose scope allows it: `read`, `write` or `ops`. Who is signed in to the admin "
        "may read what they may view there.",
    ),
    "tls-required": Kind(
        403,
        "Only by TLS",
        "Send it to the same address with `https://`; nothing was done. A key or password that "
        "came with it could be read on its way: revoke it.",
    ),
    "not-found": Kind(
        404,
        "There is no such thing",
        "Nothing answers to that address: is the id right? `/api/docs/` has them all.",
    ),
    "method-not-allowed": Kind(
        405, "Method not allowed", "The `Allow` header lists the methods of this address."
    ),
    "not-acceptable": Kind(
        406,
        "Not acceptable",
        "The API answers in JSON: leave `Accept` out, or accept `application/json`.",
    ),
    "too-large": Kind(
        413,
        "Too large or too deep",
        "A body may have 2.5 MB, 5,000 values and 32 levels; send less, in several requests.",
    ),
    "address-too-long": Kind(
        414, "The address is too long", "The first line of a request may have 4 kB."
    ),
    "head-too-large": Kind(
        431, "The headers are too large", "A header may have 8 kB, and all of them 64 kB."
    ),
    "malformed": Kind(
        400,
        "This is no request of HTTP/1.1",
        "Its first line, a header or a chunk is malformed.",
    ),
    "expectation-failed": Kind(
        417, "Not what is expected here", "`Expect` may say `100-continue` and nothing else."
    ),
    "not-implemented": Kind(
        501, "Not implemented", "A body comes in chunks or with its length, in no other coding."
    ),
    "too-slow": Kind(
        408,
        "The request did not come in",
        "All of it has to be here within 20 seconds; send it again.",
    ),
    "unsupported-media-type": Kind(
        415, "Unsupported media type", "Send `Content-Type: application/json`."
    ),
    "throttled": Kind(
        429, "Too many requests", "`Retry-After` says in how many seconds to try again."
    ),
    "unknown-product": Kind(
        422,
        "A product cannot be ordered",
        "`products` names those that are unknown or retired in the local copy; leave them out.",
    ),
    "product-exists": Kind(
        409,
        "The product exists already",
        "Choose another `productId`, or change the product that has it.",
    ),
    "product-retired": Kind(409, "The product is retired", "Create it again to bring it back."),
    "version-required": Kind(
        428, "If-Match is missing", "Read the resource and send its `ETag` as `If-Match`."
    ),
    "version-mismatch": Kind(
        412, "It has changed since", "Read it again; `version` is what it is at now."
    ),
    "stock-limit": Kind(
        422,
        "Not possible with this stock",
        "`onHand` stays below 2,147,483,648 and not below what is reserved; ask for less.",
    ),
    "not-cancellable": Kind(
        409,
        "The order cannot be cancelled",
        "`orderStatus` says why: on its way, at its end, or being cancelled already. Do not "
        "repeat it.",
    ),
    "not-dispatchable": Kind(
        409,
        "The shipment cannot be dispatched",
        "`shipmentStatus` must be `ready`: its stock held, each product's weight known. Wait "
        "until it is.",
    ),
    "not-deliverable": Kind(
        409,
        "The shipment cannot be delivered",
        "`shipmentStatus` must be `dispatched`; dispatch it first.",
    ),
    "not-applied": Kind(
        404,
        "Not applied here",
        "This service has not processed the event yet, or never gets it; ask again with `?wait=`.",
    ),
    "idempotency-key-missing": Kind(
        400,
        "Idempotency-Key is missing",
        "Send a new key with each new request, and the same one when repeating it.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "Idempotency-Key was used for another request",
        "A key stands for one request: same path, same body.",
    ),
    "idempotency-in-flight": Kind(
        409, "The same request is being worked on", "Repeat it in a moment to get its answer."
    ),
    "busy": Kind(
        409,
        "Somebody holds what it needs",
        "Nothing was done. Repeat it, with the same `Idempotency-Key` or `If-Match`, after "
        "`Retry-After`.",
    ),
    "fenced": Kind(
        409,
        "Another service knows it better",
        "`reportedBy` knows version `knownVersion`, newer than what this service has, or another "
        "one of that number: it was restored from a backup, or failed over. "
        "Nothing acts on it until an operator has healed or accepted it. Do not repeat it before.",
    ),
    "carried-out-before": Kind(
        409,
        "It was carried out before this service was restored",
        "This service was restored from a backup, and has forgotten the answer to this "
        "Idempotency-Key. Others knew what the request had made: `aggregate` and `key` name it.",
    ),
    "past-came-back": Kind(
        503,
        "This service has forgotten something",
        "Others know what it has no more (restored from a backup?), and this request may have "
        "been carried out already. "
        "Repeat it, with the same Idempotency-Key, after `Retry-After`.",
    ),
    "unavailable": Kind(
        503,
        "Not possible just now",
        "The service, or its database, has no room or no time for it, or its database is away. It "
        "may have been carried out or not: repeat it in a moment, or after `Retry-After`, with the "
        "same `Idempotency-Key` or `If-Match`, and it is done once.",
    ),
    "error": Kind(
        500,
        "Something went wrong",
        "It may have been carried out or not: repeat it with the same `Idempotency-Key` or "
        "`If-Match`, and it is done once. "
        "The correlation id leads to the cause in the log.",
    ),
}


class Problem(APIException):
    """Raise it, with a `kind` of the catalogue, wherever a request cannot be carried out. The kind
    decides the status. `members` go into the body as they are."""

    def __init__(
        self, kind: str, detail: str, *, retry_after: int | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status_code = CATALOGUE[kind].status
        self.members = members
        self.wait = retry_after  # becomes the header Retry-After


def problem(kind: str, detail: str = "", **members: Any) -> dict[str, Any]:
    """The body of a problem."""
    known = CATALOGUE[kind]
    return {
        "type": address(f"/problems/{kind}/"),
        "title": known.title,
        "status": known.status,
        "detail": detail or known.explanation,
        **members,
    }
