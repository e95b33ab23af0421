"""The timeline of one key, of this service's part and those of the others."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.utils import timezone

from polder.observability.peers import NoAnswer, Told, with_peers
from polder.observability.timeline.part import part_of
from polder.observability.timeline.shapes import Part
from polder.observability.timeline.story import Story, story_of


def whole_story(key: str, *, here_only: bool = False) -> Story:
    """This service's part and those of the services that it may ask (`POLDER["OPS_PEERS"]`)."""

    def read(service: str, status: int, told: Any) -> Part:
        if status == 404:  # it has never heard of the key; any other 404 has no `keeps`
            kept = {"keeps": told["keeps"], "knownSince": told.get("knownSince", {})}
            return Part.model_validate({"service": service, "key": key, **kept})
        if status != 200:
            raise NoAnswer(str(status))
        return Part.model_validate(told)

    if here_only:
        found = Told([part_of(key)], {})
    else:
        found = with_peers(f"/ops/timeline/{quote(key, safe='')}", lambda: part_of(key), read)
    return story_of(found.parts, found.silent, timezone.now())
