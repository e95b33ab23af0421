"""What the other services tell over their ops API: asked with a key of one's own, within a second,
and only to show it to a person."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from polder import this_service

T = TypeVar("T")
ANSWERS_WITHIN = 1.0  # second
LARGEST = 4 * 1024 * 1024  # bytes of an answer

Read = Callable[[str, int, Any], T]


class Told(NamedTuple, Generic[T]):
    """`silent`: by service why it did not answer, for people."""

    parts: list[T]
    silent: dict[str, str]


class NoAnswer(Exception):
    """A service did not tell its part; `str()` says why, for people."""


def with_peers(path: str, here: Callable[[], T], read: Read[T]) -> Told[T]:
    """What is told `here`, and by the services that may be asked (`POLDER["OPS_PEERS"]`) at `path`.

    `read` gets the service, the answer's status and its JSON; it raises NoAnswer, ValueError or
    pydantic.ValidationError for what it cannot read.
    """
    peers: Mapping[str, str] = this_service.ops_peers()
    pool = ThreadPoolExecutor(max(1, len(peers)))
    try:
        asked = {name: pool.submit(_ask, name, url, path, read) for name, url in peers.items()}
        told: Told[T] = Told([here()], {})
        wait(asked.values(), ANSWERS_WITHIN)
        for name, answer in asked.items():
            if not answer.done():
                told.silent[name] = f"no answer within {ANSWERS_WITHIN:g} s"
            elif error := answer.exception():
                told.silent[name] = str(error)
            else:
                told.parts.append(answer.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return told


def _ask(service: str, url: str, path: str, read: Read[T]) -> T:
    """`url` has the API key in the place of a password. Raises NoAnswer."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    asked = f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}{path}"
    key = unquote(parts.password or "")
    headers = {"Authorization": f"Api-Key {key}", "Accept": "application/json"}
    request = urllib.request.Request(asked, headers=headers)  # noqa: S310 (the deployer's own)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
    try:
        with opener.open(request, timeout=ANSWERS_WITHIN) as response:
            return read(service, response.status, json.loads(response.read(LARGEST)))
    except urllib.error.HTTPError as error:
        return _of_an_error(service, error, read)
    except ValidationError:
        raise NoAnswer("it answered what this version of the code cannot read") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise NoAnswer(f"it cannot be asked: {why}") from None


def _of_an_error(service: str, error: urllib.error.HTTPError, read: Read[T]) -> T:
    try:
        return read(service, error.code, json.loads(error.read(LARGEST)))
    except (NoAnswer, ValueError, TypeError, KeyError, OSError):
        raise NoAnswer(f"it answered {error.code} {error.reason}") from None


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """It would take the key along, and make a GET of a POST."""

    def redirect_request(self, *_: Any) -> None:
        return None
