"""What is wrong with the broker, from the error that it gave. "Away" is only what does not answer;
a refusal does not end by waiting."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from amqp.exceptions import AccessRefused, NotAllowed, NotFound

from polder import this_service

BLOCKS = "the broker takes nothing from anybody: its memory or its disk is full"
REFUSED_WAIT = 5.0  # seconds until what was refused is asked for again


def refusal(error: BaseException) -> str | None:
    """What the broker refuses and what to do about it, in one sentence; None when it is merely
    away, or broke off."""
    for one in _chain(error):
        if isinstance(one, ssl.SSLError):
            return _of_tls(one)
        if isinstance(one, AccessRefused | NotAllowed | NotFound):
            return f"the broker refuses: {_reply(one)}; {_mend(one)}"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__


def _of_tls(error: ssl.SSLError) -> str | None:
    variable = f"{this_service.name().upper()}_AMQP_CA"
    if isinstance(error, ssl.SSLCertVerificationError):
        wrong_host = "mismatch" in error.verify_message or "not valid for" in error.verify_message
        fix = (
            "the URL has to name a host of the certificate"
            if wrong_host
            else f"is its authority in the file that {variable} names?"
        )
        return f"the broker does not prove who it is: {error.verify_message.rstrip('.')}; {fix}"
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "the broker speaks no TLS on this port: amqps:// needs its TLS port, 5671 as a rule"
    return None


def _mend(error: BaseException) -> str:
    prefix, topology = this_service.name().upper(), this_service.command("topology")
    if isinstance(error, NotFound):
        return f"{topology} declares it"
    if "login was refused" in str(error).lower():
        return f"are user and password in {prefix}_AMQP_URL right? {topology} makes the user"
    return (
        f"{topology} --check says what the user of {prefix}_AMQP_URL lacks; no two services may "
        "have the same one"
    )


def _reply(error: BaseException) -> str:
    return str(getattr(error, "reply_text", "") or error).strip()
