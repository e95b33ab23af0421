"""A variable of the environment, declared once: settings are read by it, the start is checked by
it, the page of them is drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from polder.configuration.kinds import TEXT, Kind, NotLegal
from polder.configuration.secret import Secret
from polder.configuration.unknown import misspelt

PLACEHOLDER = "<SERVICE>"


@dataclass(frozen=True)
class Variable:
    """`default` is a text, read as if somebody had set it; None says that the variable is needed,
    "" that it may be left out (None)."""

    name: str  # may begin with <SERVICE>
    kind: Kind
    meaning: str
    default: str | None = ""
    secret: bool = False
    setting: str = ""  # the Django setting that takes the value, when nothing else is made of it
    default_shown: str = ""  # when the default itself tells people nothing
    obeyed_with: str = ""  # the variable without which nobody obeys this one

    def of(self, service: str) -> str:
        return self.name.replace(PLACEHOLDER, service.upper())


class Wrong(ValueError):
    """Every variable that is missing, wrong or misspelt, by name and with what it should be; no
    value of any."""


def read(
    variables: Iterable[Variable],
    service: str,
    environ: Mapping[str, str],
    *,
    known: Iterable[str] = (),
) -> dict[str, Any]:
    """The value of each variable under its declared name; one that is set to nothing counts as not
    set. Raises Wrong.

    `known`: names that others read, so that they are nobody's misspelling.
    """
    found: dict[str, Any] = {}
    problems: list[str] = []
    variables = list(variables)
    names = [variable.of(service) for variable in variables]
    suspects = misspelt(names, known, service, environ)
    for variable, name in zip(variables, names, strict=True):
        try:
            found[variable.name] = _value(variable, environ.get(name, ""))
        except NotLegal as error:
            meant = [suspect for suspect, right in suspects.items() if right == name]
            looks = f" ({meant[0]} looks like it)" if meant and not environ.get(name) else ""
            problems.append(f"{name} {error}{looks}")
    problems += _not_obeyed(variables, service, environ, found)
    told = " ".join(problems)
    problems += [
        f"{suspect} is read by nobody, and looks like {right}"
        for suspect, right in suspects.items()
        if suspect not in told
    ]
    if problems:
        raise Wrong("; ".join(problems))
    return found


def _not_obeyed(
    variables: Iterable[Variable], service: str, environ: Mapping[str, str], found: dict[str, Any]
) -> Iterator[str]:
    needed = {variable.name: variable for variable in variables}
    for variable in needed.values():
        name, other = variable.of(service), needed.get(variable.obeyed_with)
        is_set = environ.get(name, "").strip() and found.get(variable.name)
        if is_set and other and not found.get(other.name):
            yield f"{name} is obeyed only where {other.of(service)} is set, too"


def _value(variable: Variable, given: str) -> Any:
    text = given.strip()
    if text and text != given and variable.secret and variable.kind is TEXT:
        raise NotLegal("begins or ends with a blank or a line break; is that part of it?")
    if not text:
        if variable.default is None:
            raise NotLegal("is not set")
        text = variable.default
    if not text:
        return None
    value = variable.kind.read(text)
    return Secret(value) if variable.secret and isinstance(value, str) else value
