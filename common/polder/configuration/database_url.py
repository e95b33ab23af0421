"""A PostgreSQL URL in every form that libpq knows, as Django's settings of a database. libpq reads
it, so nothing is read otherwise."""

from __future__ import annotations

import os
import re
from itertools import repeat
from typing import Any
from urllib.parse import parse_qsl, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from polder.configuration.kinds import NotLegal
from polder.configuration.secret import Secret
from polder.database.session import MEANING

DEFAULT_PORT = "5432"
LONGEST_NAME = 63  # bytes; PostgreSQL cuts longer ones in silence
# libpq would look for these files in the home of whoever starts the process
NOWHERE = "/nonexistent/polder"
_FILES = ("sslcert", "sslkey", "sslrootcert", "sslcrl", "passfile")
_SECRETS = ("sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret")
_REFUSED = {
    "service": "it would be looked up in a file of whoever starts the process; write out what it "
    "stands for",
    "replication": "a service takes no replication connection",
    "sslkeylogfile": "it would write down the keys of every connection",
}
_INTEGERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SET = re.compile(r"(?:-c\s*|--)([\w.-]+)\s*=")  # of a session, in the option `options`
_OFF = re.compile(r"synchronous[_-]commit\s*=\s*'?(off|false|no|0)\b", re.IGNORECASE)
_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_CHOICES = {
    "sslmode": _MODES,
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
    "gssencmode": ("disable", "prefer", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "sslcertmode": ("disable", "allow", "require"),
    "sslnegotiation": ("postgres", "direct"),
    "sslsni": ("0", "1"),
    "sslcompression": ("0", "1"),
    "ssl_min_protocol_version": _VERSIONS,
    "ssl_max_protocol_version": _VERSIONS,
    "client_encoding": ("UTF8",),
}


def database(url: str) -> dict[str, Any]:
    """What goes into `DATABASES`, all options of the URL in `OPTIONS`. Raises NotLegal, which
    repeats nothing secret.

    What the URL does not say is said here, or libpq would take it from the environment and the home
    of whoever starts the process.
    """
    said = _read(url)
    if twice := _said_twice(url):
        raise NotLegal(f"says {twice} twice, and only one can be obeyed")
    if not said.get("user"):
        raise NotLegal("names no user")
    if not said.get("dbname"):
        raise NotLegal("names no database: it ends in /<database>")
    if len(said["dbname"].encode()) > LONGEST_NAME:
        raise NotLegal(f"names a database of more than {LONGEST_NAME} bytes")
    hosts, ports = _hosts_and_ports(said)
    options = {
        name: value
        for name, value in said.items()
        if name not in ("user", "password", "dbname", "host", "port")
    }
    _check(options, hosts)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": said["dbname"],
        "USER": said["user"],
        "PASSWORD": Secret(said.get("password", "")),
        "HOST": ",".join(hosts),
        "PORT": ",".join(ports),
        "OPTIONS": {
            name: Secret(value) if name in _SECRETS else value
            for name, value in (_unsaid() | options).items()
        },
    }


def _unsaid() -> dict[str, str]:
    return {
        "passfile": NOWHERE,
        "sslcert": NOWHERE,
        "sslkey": NOWHERE,
        "sslrootcert": NOWHERE,
        "gssencmode": "disable",
    }


def _read(url: str) -> dict[str, str]:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgres", "postgresql"):
        raise NotLegal("must begin with postgres:// or postgresql://")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise NotLegal(
            "holds a blank or a control character; in a password it is percent-encoded (%20)"
        )
    place, _, after = rest.partition("/")
    if "@" in after or place.count("@") > 1:
        raise NotLegal(
            "has an @ or / within user, password, database or options: written %40 and %2F there"
        )
    if bad := re.search(r"%(?![0-9A-Fa-f]{2})|%00", rest):
        raise NotLegal(
            "has a % that begins no percent-encoding, at position "
            f"{bad.start() + len(scheme) + 4}: a % itself is written %25"
        )
    try:
        unquote(rest, errors="strict")
    except UnicodeDecodeError:
        raise NotLegal("has a percent-encoding that is no UTF-8") from None
    try:
        return {
            name: str(value)
            for name, value in conninfo_to_dict(url).items()
            if value not in (None, "")
        }
    except psycopg.ProgrammingError as error:
        # what libpq says may hold a piece of the password
        raise NotLegal(_why(str(error), has_secret="password=" in url)) from None


def _said_twice(url: str) -> str:
    """A name: of the place, the database or an option. libpq would obey the last."""
    place, _, query = url.partition("?")
    options = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    names = [name for name, value in conninfo_to_dict(place).items() if str(value).strip(",")]
    names += ["sslmode" if name == "ssl" else name for name in options]
    return next((name for name in names if names.count(name) > 1), "")


def _why(message: str, *, has_secret: bool) -> str:
    if has_secret and "query parameter" in message:  # what is no option may be a piece of it
        return "has an unknown option, or a & in its password, where it is written %26"
    if unknown := re.match(r'invalid URI query parameter: "([a-z_]{1,40})"', message):
        return f"has an option that PostgreSQL's client does not know: {unknown[1]}"
    if "query parameter" in message:
        return "has options that are not written ?name=value&name=value"
    if "IPv6" in message:
        return "has an IPv6 address without its [ ]"
    return "is no legal PostgreSQL URL: postgres://user:password@host:port/database?option=value"


def _hosts_and_ports(said: dict[str, str]) -> tuple[list[str], list[str]]:
    hosts = said.get("host", "").split(",") if "host" in said else []
    addresses = said.get("hostaddr", "").split(",") if "hostaddr" in said else []
    if not hosts and not addresses:
        raise NotLegal(
            "names no host; a socket's folder is written "
            "postgres:///database?host=/folder&user=name"
        )
    if not all(hosts) or not all(addresses):
        raise NotLegal("has an empty place among its hosts")
    if hosts and addresses and len(hosts) != len(addresses):
        raise NotLegal("has not as many hosts as addresses (hostaddr)")
    count = max(len(hosts), len(addresses))
    ports = [port or DEFAULT_PORT for port in said.get("port", "").split(",")]
    ports = list(repeat(ports[0], count)) if len(ports) == 1 else ports
    if len(ports) != count:
        raise NotLegal("has not as many ports as hosts")
    if not all(re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536 for port in ports):
        raise NotLegal(
            "has a port that is not a number from 1 to 65535 (or a : in user or password, written "
            "%3A)"
        )
    return hosts, ports


def _check(options: dict[str, str], hosts: list[str]) -> None:
    for name, value in options.items():
        if name in _REFUSED:
            raise NotLegal(f"has the option {name}: {_REFUSED[name]}")
        if name in _INTEGERS and not re.fullmatch("[0-9]{1,9}", value):
            raise NotLegal(f"has the option {name}, which must be a whole number")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise NotLegal(
                f"has the option {name}, which must be one of {', '.join(_CHOICES[name])}"
            )
        if name in _FILES and value != "system" and not os.access(value, os.R_OK):
            raise NotLegal(f"has the option {name}, whose file cannot be read")
    for name in _SET.findall(options.get("options", "")):
        if (name := name.lower().replace("-", "_")) in MEANING:
            raise NotLegal(f"has options that set {name}: what our statements mean depends on it")
        if name.startswith("polder.") or name == "session_replication_role":
            raise NotLegal(f"has options that set {name}, which would take the guard away")
    if _OFF.search(options.get("options", "")):
        raise NotLegal("sets synchronous_commit off: what was acked would be lost in a crash")
    _check_tls(options, hosts)


def _check_tls(options: dict[str, str], hosts: list[str]) -> None:
    """Whatever libpq would pass over in silence."""
    mode, root = options.get("sslmode", ""), options.get("sslrootcert", "")
    if mode.startswith("verify") and not root:
        raise NotLegal(
            f"has sslmode={mode} and no sslrootcert to verify by (a file of certificates, or "
            "system)"
        )
    if ("sslcert" in options) != ("sslkey" in options):
        raise NotLegal("has only one of sslcert and sslkey")
    if root and not mode.startswith("verify") and root != "system":
        raise NotLegal(
            "has sslrootcert, which is obeyed with sslmode=verify-full or verify-ca only"
        )
    if mode in ("require", "verify-ca", "verify-full") and any(
        host.startswith(("/", "@")) for host in hosts
    ):
        raise NotLegal(f"has sslmode={mode} with a Unix socket, where there is no TLS")
