"""What a project publishes: a contract for each model, and the model as an aggregate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from polder.init import texts
from polder.init.aggregate import as_aggregate
from polder.init.fields import Member
from polder.init.files import Change
from polder.init.model import Model
from polder.init.project import NoProject, Project
from polder.init.source import bound, parsed, services, text_of, with_block, with_imports


def changes(project: Project, service: str, publishes: Sequence[str]) -> list[Change]:
    """A model that has a contract stays as it is, and its contract, too. Raises NoProject and
    OSError."""
    found: dict[Path, Change] = {}
    for one in publishes:
        match = re.fullmatch(r"([\w.]+)\.([A-Z]\w*)", one)
        if not match:
            raise NoProject(f"--publishes {one} is not an app and a model, such as books.Book")
        app, name = project.app(match[1]), match[2]
        path = app / "contracts.py"
        before = text_of(path) if path.exists() else None
        contract = found.get(path, Change(path, before, before or ""))
        if others := sorted(services(contract.after) - {service}):
            raise NoProject(
                f"{path} has the contracts of {others[0]}: publish {name} from another app"
            )
        parsed(contract.after, path)
        if f"{name}State" in bound(contract.after):
            continue
        model = Model.find(app, name, {path: change.after for path, change in found.items()})
        found[path] = replace(contract, after=_added(contract, service, name, model.members()))
        if model.is_plain:
            now = as_aggregate(model)
            was = found.get(model.path)
            found[model.path] = replace(now, before=was.before) if was else now
    return list(found.values())


def _added(contract: Change, service: str, name: str, members: Sequence[Member]) -> str:
    """The module with one more aggregate in it. Raises NoProject."""
    source = contract.after
    if not source:
        return texts.contracts(service, name, members)
    for kind in ("Event", "Added", "Changed"):
        if f"{name}{kind}" in bound(source):
            raise NoProject(f"{contract.path} has a {name}{kind} already: rename it")
    imports = [line for line in texts.contract_imports(members).splitlines() if line]
    source = with_imports(source, contract.path, imports)
    return with_block(source, texts.contract(service, name, members))
