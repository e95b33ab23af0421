"""How the text of a variable is read. A reader raises NotLegal, whose message never repeats the
text: it may be a secret."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from polder.configuration.secret import Secret

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_MAIL = r"[^\s@,<>]+@[^\s@,<>]+"
_LABEL = r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"\*|\.?{_LABEL}(\.{_LABEL})*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


class NotLegal(ValueError):
    """What the value should have been. Names neither the variable nor the value."""


class Kind(NamedTuple):
    form: str  # for people: what is legal
    read: Callable[[str], Any]


def _text(value: str) -> str:
    if any(not character.isprintable() for character in value):
        raise NotLegal("holds a line break or another control character")
    return value


def _key(value: str) -> str:
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise NotLegal("holds a blank or a character outside of ASCII, which no header can carry")
    return value


def _yes_or_no(value: str) -> bool:
    if value.lower() in YES:
        return True
    if value.lower() in NO:
        return False
    raise NotLegal(f"must be one of {', '.join((*YES, *NO))}")


def _list(value: str) -> list[str]:
    parts = [part.strip() for part in value.split(",")]
    return [part for part in parts if part]


def _hosts(value: str) -> list[str]:
    hosts = _list(value)
    for position, host in enumerate(hosts, start=1):
        if not _HOST.fullmatch(host):
            raise NotLegal(
                f"entry {position} is no host name: names with commas between them, no port, no "
                "scheme; an IPv6 address stands in [ ]"
            )
    return hosts


def _host(value: str) -> str:
    if not _HOST.fullmatch(value) or value == "*":
        raise NotLegal("is no host name, without port and scheme; an IPv6 address stands in [ ]")
    return value.strip("[]")


def _origins(value: str) -> list[str]:
    """As browsers write them, or they would never be the same: in small letters, without the port
    that goes without saying."""
    origins = [origin.lower() for origin in _list(value)]
    for position, origin in enumerate(origins, start=1):
        try:
            parts = urlsplit(origin)
            legal = (
                parts.scheme in ("http", "https")
                and bool(parts.hostname)
                and origin == f"{parts.scheme}://{parts.netloc}"
            )
            legal = (
                legal
                and origin.isascii()
                and "@" not in parts.netloc
                and (parts.port is None or parts.port > 0)
            )
        except ValueError:
            legal = False
        if not legal:
            raise NotLegal(
                f"entry {position} is no origin: https://host or https://host:port, with commas "
                "between them; other letters than ASCII's as xn--..."
            )
    return [re.sub("^(http://.*):80$|^(https://.*):443$", r"\1\2", origin) for origin in origins]


def _mails(value: str) -> list[str]:
    mails = _list(value)
    for position, mail in enumerate(mails, start=1):
        if not re.fullmatch(_MAIL, mail):
            raise NotLegal(f"entry {position} is no address: name@host, with commas between them")
    return mails


def _sender(value: str) -> str:
    if not re.fullmatch(rf'{_MAIL}|[^<>@,"]+ <{_MAIL}>', _text(value)):
        raise NotLegal("is no address: name@host, or Somebody <name@host>")
    return value


def _web(value: str, *, query: bool = False) -> str:
    try:
        parts = urlsplit(value)
        legal = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        legal = False
    if not legal or parts.fragment or "@" in parts.netloc or (parts.query and not query):
        raise NotLegal("must be http://host:port or https://host:port, without user and password")
    if not _as_sent(value):
        raise NotLegal(_ENCODED)
    return value


def _as_sent(url: str) -> bool:
    """Whether it can stand in a request as it is."""
    return url.isascii() and url.isprintable() and " " not in url


_ENCODED = "has a character that is percent-encoded in a URL, such as a blank: %20"


def _peers(value: str) -> dict[str, str]:
    """By service, its address with the key."""
    peers: dict[str, str] = {}
    for position, url in enumerate(filter(None, map(str.strip, value.split(";"))), start=1):
        try:
            parts = urlsplit(url)
            name = parts.username or ""
            legal = parts.scheme in ("http", "https") and bool(parts.hostname and parts.password)
            legal = legal and re.fullmatch("[a-z]{1,30}", name) is not None and name not in peers
            legal = legal and not (parts.query or parts.fragment) and parts.port != 0
        except ValueError:
            legal = False
        if not legal:
            raise NotLegal(
                f"entry {position} is no http://service:key@host:port, each service once, with ; "
                "between them"
            )
        if not _as_sent(url):
            raise NotLegal(f"entry {position} {_ENCODED}")
        peers[name] = Secret(url)
    return peers


def _file(value: str) -> str:
    """Of certificates: it has to be there, and readable, when the process starts."""
    try:
        with Path(value).open("rb") as file:
            file.read(1)
    except (OSError, ValueError) as error:
        raise NotLegal(
            f"names a file that cannot be read ({getattr(error, 'strerror', None) or 'no path'})"
        ) from None
    return value


def _folder(value: str) -> Path:
    if "\0" in value or ((path := Path(value)).exists() and not path.is_dir()):
        raise NotLegal("must be a folder")
    return Path(value)


def whole_number(least: int, most: int) -> Kind:
    def read(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", value) or not least <= int(value) <= most:
            raise NotLegal(f"must be a whole number from {least} to {most}")
        return int(value)

    return Kind(f"whole number, {least} to {most}", read)


def number(least: float, most: float) -> Kind:
    def read(value: str) -> float:
        legal = re.fullmatch(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?|\.[0-9]{1,18}", value)
        if not legal or not math.isfinite(float(value)) or not least <= float(value) <= most:
            raise NotLegal(f"must be a number from {least:g} to {most:g}")
        return float(value)

    return Kind(f"number, {least:g} to {most:g}", read)


def one_of(*words: str) -> Kind:
    def read(value: str) -> str:
        if value not in words:
            raise NotLegal(f"must be one of {', '.join(words)}")
        return value

    return Kind(" or ".join(f"`{word}`" for word in words), read)


def seconds(least: int, most: int) -> Kind:
    """A whole number, as a timedelta."""
    whole = whole_number(least, most)
    return Kind(f"seconds, {least} to {most}", lambda value: timedelta(seconds=whole.read(value)))


TEXT = Kind("text", _text)
KEY = Kind("text without blanks", _key)
YES_OR_NO = Kind("`1` or `0` (also true, yes, on; false, no, off)", _yes_or_no)
HOSTS = Kind("host names, with commas between them", _hosts)
HOST = Kind("host name", _host)
SENDER = Kind("mail address", _sender)
ORIGINS = Kind("origins (`https://host`), with commas between them", _origins)
MAILS = Kind("mail addresses, with commas between them", _mails)
WEB = Kind("HTTP URL", _web)
HOOK = Kind("HTTP URL", partial(_web, query=True))
PEERS = Kind("URLs `http://service:key@host:port`, with `;` between them", _peers)
FILE = Kind("path of a file", _file)
FOLDER = Kind("path of a folder", _folder)
