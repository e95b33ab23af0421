"""What a project publishes: a contract for each model, and the model as an aggregate."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from polder.init import texts
from polder.init.files import Change, read
from polder.init.model import TAKEN, Member, Model, after_imports, with_imports
from polder.init.project import NoProject, Project


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
        before = read(path) if path.exists() else None
        contract = found.get(path, Change(path, before, before or ""))
        if f"class {name}State" in contract.after:
            continue
        model = Model.find(app, name, {path: change.after for path, change in found.items()})
        members = model.members() if model else []
        if model and model.is_plain and (taken := TAKEN.intersection(model.names())):
            raise NoProject(
                f"{one} has a field {min(taken)!r}, which every aggregate has for itself: rename "
                f"it first; db_column={min(taken)!r} leaves the table as it is"
            )
        found[path] = replace(contract, after=_added(contract, service, name, members))
        if model and model.is_plain:
            now = model.as_aggregate()
            was = found.get(model.path)
            found[model.path] = replace(now, before=was.before) if was else now
    return list(found.values())


def _added(contract: Change, service: str, name: str, members: Sequence[Member]) -> str:
    """The module with one more aggregate in it. Raises NoProject."""
    source = contract.after
    if not source:
        return texts.contracts(service, name, members)
    try:
        place = after_imports(ast.parse(source))
    except SyntaxError as error:
        raise NoProject(f"{contract.path} is no Python: {error}") from None
    lines = f"{source.rstrip()}\n".splitlines(keepends=True)
    imports = f"{texts.contract_imports(members)}\n".splitlines(keepends=True)
    lines = with_imports(lines, place, [line for line in imports if line.strip()])
    return "".join(lines) + "\n\n" + texts.contract(service, name, members)
