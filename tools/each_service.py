"""Files that name every service, written from a text that names none.

In the text `{service}` stands for a service's name, `{SERVICE}` for the same in capitals, `{place}`
for its place in the list of services, and `{8001+place}` for a number made of that. A block of
lines whose first has such a name is repeated for each service; in any other block such a line is,
or in a list `[...]` such an item.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME = re.compile(r"\{(?:service|SERVICE|(?:(\d+)\+)?place)\}")
_LIST = re.compile(r"\[[^\[\]]*\]")


def written(text: str, services: Sequence[str]) -> str:
    """The text for these services."""
    return "\n\n".join(_block(block, services) for block in text.split("\n\n"))


def _block(block: str, services: Sequence[str]) -> str:
    first, _, rest = block.partition("\n")
    if rest and _NAME.search(first):
        return "\n\n".join(_named(block, services, service) for service in services)
    return "\n".join(_line(line, services) for line in block.split("\n"))


def _line(line: str, services: Sequence[str]) -> str:
    line = _LIST.sub(lambda found: _list(found[0], services), line)
    if not _NAME.search(line):
        return line
    return "\n".join(_named(line, services, service) for service in services)


def _list(text: str, services: Sequence[str]) -> str:
    items = text[1:-1].split(", ")
    named = [
        _named(item, services, service)
        for item in items
        for service in (services if _NAME.search(item) else services[:1])
    ]
    return f"[{', '.join(named)}]"


def _named(text: str, services: Sequence[str], service: str) -> str:
    def name(found: re.Match[str]) -> str:
        if found[0].isupper():
            return service.upper()
        if found[0] == "{service}":
            return service
        return str(int(found[1] or 0) + services.index(service))

    return _NAME.sub(name, text)
