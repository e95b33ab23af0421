"""Problems (RFC 9457): what can go wrong with a request, each kind with a page of this service that explains it."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException

MEDIA_TYPE = "application/problem+json"

CATALOGUE: dict[str, tuple[str, str]] = {
    "invalid": ("The request does not keep to the contract", "`errors` names each field and what is wrong with it."),
    "not-authenticated": ("No valid credentials", "Send `Authorization: Api-Key <key>`."),
    "not-permitted": ("Not permitted", "The key may read only, or the account is no staff account."),
    "not-found": ("There is no such thing", "Nothing of this service answers to that address."),
    "method-not-allowed": ("Method not allowed", "The `Allow` header lists the methods of this address."),
    "unsupported-media-type": ("Unsupported media type", "Send `Content-Type: application/json`."),
    "too-large": ("Too large or too deep", "A body may have 2.5 MB and 32 levels."),
    "unknown-product": ("A product cannot be ordered", "`products` names those that are unknown or retired in the local copy."),
    "product-exists": ("The product exists already", "Choose another `productId`, or change the product that has it."),
    "product-retired": ("The product is retired", "Create it again to bring it back."),
    "version-required": ("If-Match is missing", "Read the resource and send its `ETag` as `If-Match`."),
    "version-mismatch": ("It has changed since", "Read it again; `version` is what it is at now."),
    "stock-limit": ("Not possible with this stock", "`onHand` stays below 2,147,483,648 and not below what is reserved."),
    "not-cancellable": ("The order cannot be cancelled", "`orderStatus` says what it is: on its way, at its end, or being cancelled already."),
    "not-dispatchable": ("The shipment cannot be dispatched", "`shipmentStatus` must be `ready`: its stock held, each product's weight known."),
    "not-deliverable": ("The shipment cannot be delivered", "`shipmentStatus` must be `dispatched`."),
    "idempotency-key-missing": ("Idempotency-Key is missing", "Send a new key with each new request, and the same one when repeating it."),
    "idempotency-key-reused": ("Idempotency-Key was used for another request", "A key stands for one request: same path, same body."),
    "idempotency-in-flight": ("The same request is being worked on", "Repeat it in a moment to get its answer."),
    "error": ("Something went wrong", "The request was not carried out. The correlation id leads to the log."),
}


class Problem(APIException):
    """Raise it, with `kind` from the catalogue, wherever a request cannot be carried out. `members` go into the body as they are."""

    def __init__(self, kind: str, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.status_code = status
        self.members = members


def problem(kind: str, status: int, detail: str = "", **members: Any) -> dict[str, Any]:
    """The body of a problem."""
    title, explanation = CATALOGUE[kind]
    return {"type": f"/problems/{kind}/", "title": title, "status": status, "detail": detail or explanation, **members}
