"""Variables that begin as ours do and that nobody reads: a misspelling would otherwise be a setting that is not obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

OURS = "POLDER_"
ALIKE = 0.8  # ORDER_DATABSE_URL and ORDER_DATABASE_URL are 0.97 alike, ORDER_CANCEL_AFTER and ..._SECONDS 0.82
# Kubernetes tells every container of the services beside it: ORDER_SERVICE_HOST, ORDER_PORT_8000_TCP_ADDR.
_FROM_KUBERNETES = re.compile(r"[A-Z0-9_]+_(SERVICE_(HOST|PORT)(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")


def misspelt(names: Iterable[str], known: Iterable[str], service: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Each name that is set and very like one of `names`, and that one."""
    names = list(names)
    likely = ((name, get_close_matches(name.upper(), names, 1, ALIKE)) for name in unread(names, known, service, environ))
    return {name: found[0] for name, found in likely if found}


def unread(names: Iterable[str], known: Iterable[str], service: str, environ: Mapping[str, str]) -> Iterator[str]:
    """What is set, begins as this service's variables or the project's do, and is neither read nor known."""
    told = {*names, *known}
    for name in sorted(environ):
        ours = name.upper().startswith((f"{service.upper()}_", OURS)) or name.upper() in told
        if ours and name not in told and not _FROM_KUBERNETES.fullmatch(name):
            yield name
