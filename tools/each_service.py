"""Files that name every service, written from a text that names none or from what they say of the
first.

In a text that names none `{service}` stands for a service's name, `{SERVICE}` for the same in
capitals. A block of lines whose first has such a name is repeated for each service; in any other
block such a line is, or in a list `[...]` such an item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RENEWED = ("compose.yaml", "deploy/prometheus/prometheus.yml")
_NAME = re.compile(r"\{(?:service|SERVICE)\}")
_LIST = re.compile(r"\[[^\[\]]*\]")
_PORT = re.compile(r"\$\{(\w+):-(\d+)\}")


def written(text: str, services: Sequence[str]) -> str:
    """The text for these services."""
    return "\n\n".join(_block(block, services) for block in text.split("\n\n"))


def is_named(service: str) -> bool:
    """Whether a word of the files that name every service is the same: then it is no name."""
    return any(re.search(_word(service), (ROOT / name).read_text()) for name in RENEWED)


def renewed(text: str, services: Sequence[str], ports: Mapping[str, int]) -> str:
    """The same text for these services: what it says of the first that it names, it says of each.
    It names those of which it has a `...-web:`. `ports`: the default of each variable."""
    first, *others = dict.fromkeys(re.findall(r"([a-z]\w*)-web:", text))
    if others:
        text = _without(re.compile("|".join(map(_word, others))), text)
    text = re.sub(
        _word(first), lambda found: "{SERVICE}" if found[0].isupper() else "{service}", text
    )
    return _PORT.sub(
        lambda found: f"${{{found[1]}:-{ports.get(found[1], found[2])}}}", written(text, services)
    )


def _word(name: str) -> str:
    return rf"(?<!\w)(?:{name}(?!\w)|{name.upper()}(?=_(?:POSTGRES_)?PORT))"


def _without(others: re.Pattern[str], text: str) -> str:
    """Without the items, blocks and lines that name one of them."""
    text = _LIST.sub(
        lambda found: _list_of(one for one in _items(found[0]) if not others.search(one)), text
    )
    blocks = [one.split("\n") for one in text.split("\n\n")]
    return "\n\n".join(
        "\n".join(line for line in lines if not others.search(line))
        for lines in blocks
        if not others.search(lines[0])
    )


def _block(block: str, services: Sequence[str]) -> str:
    first, _, rest = block.partition("\n")
    if rest and _NAME.search(first):
        return "\n\n".join(_named(block, service) for service in services)
    return "\n".join(_line(line, services) for line in block.split("\n"))


def _line(line: str, services: Sequence[str]) -> str:
    line = _LIST.sub(lambda found: _list(found[0], services), line)
    if not _NAME.search(line):
        return line
    return "\n".join(_named(line, service) for service in services)


def _list(text: str, services: Sequence[str]) -> str:
    return _list_of(
        _named(item, service)
        for item in _items(text)
        for service in (services if _NAME.search(item) else services[:1])
    )


def _items(text: str) -> list[str]:
    return text[1:-1].split(", ")


def _list_of(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _named(text: str, service: str) -> str:
    return text.replace("{service}", service).replace("{SERVICE}", service.upper())
