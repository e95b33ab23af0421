"""The other services' parts, over their ops API: with a key of one's own, within a second, and only
to show them to a person."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils import timezone
from pydantic import ValidationError

from polder import this_service
from polder.observability.timeline.part import part_of
from polder.observability.timeline.shapes import Part
from polder.observability.timeline.story import Story, story_of

ANSWERS_WITHIN = 1.0  # second
LARGEST = 4 * 1024 * 1024  # bytes of an answer


class NoAnswer(Exception):
    """A service did not tell its part; `str()` says why, for people."""


def whole_story(key: str, *, here_only: bool = False) -> Story:
    """This service's part and those of the services that it may ask (`POLDER["OPS_PEERS"]`)."""
    peers: Mapping[str, str] = {} if here_only else this_service.ops_peers()
    pool = ThreadPoolExecutor(max(1, len(peers)))
    try:
        asked = {name: pool.submit(_ask, name, url, key) for name, url in peers.items()}
        parts, silent = [part_of(key)], {}
        wait(asked.values(), ANSWERS_WITHIN)
        for name, answer in asked.items():
            if not answer.done():
                silent[name] = f"no answer within {ANSWERS_WITHIN:g} s"
            elif error := answer.exception():
                silent[name] = str(error)
            else:
                parts.append(answer.result())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return story_of(parts, silent, timezone.now())


def _ask(service: str, url: str, key: str) -> Part:
    """`url` has the API key in the place of a password. Raises NoAnswer."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    asked = f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}/ops/timeline/{quote(key, safe='')}"
    headers = {"Authorization": f"Api-Key {parts.password}", "Accept": "application/json"}
    request = urllib.request.Request(asked, headers=headers)  # noqa: S310 (the deployer's own)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=ANSWERS_WITHIN) as response:
            return Part.model_validate(json.loads(response.read(LARGEST)))
    except urllib.error.HTTPError as error:
        if error.code == 404 and (empty := _never_heard(service, key, error)):
            return empty
        raise NoAnswer(f"it answered {error.code} {error.reason}") from None
    except ValidationError:
        raise NoAnswer("it answered what this version of the code cannot read") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise NoAnswer(f"it cannot be asked: {why}") from None


def _never_heard(service: str, key: str, error: urllib.error.HTTPError) -> Part | None:
    """None when it is some other 404."""
    with suppress(ValueError, TypeError, KeyError, OSError):
        keeps = tuple(map(str, json.loads(error.read(LARGEST))["keeps"]))
        return Part(service=service, key=key, keeps=keeps)
    return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """It would take the key along."""

    def redirect_request(self, *_: Any) -> None:
        return None
