"""The reference: what docs/public.md lists, with the signatures and docstrings of the code, which
is read and not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import griffe

from tools.links import ROOT

ROW = re.compile(r"^\| (`[^|]+`.*?) \| (`[^|]+`) \| (.+?) \|$", re.MULTILINE)
NAME = re.compile(r"`([\w.]+)`")
HEAD = """\
# Reference

The names of [what is public](public.md), with what the code says of them.
"""


def reference(public: Path = ROOT / "docs/public.md", code: Path = ROOT / "common") -> str:
    """The page. Raises KeyError for a name that is listed and is not there."""
    library = griffe.load("polder", search_paths=[code], allow_inspection=False)
    assert isinstance(library, griffe.Module)
    modules: dict[str, list[str]] = {}
    for module, name in listed(public.read_text()):
        modules.setdefault(module, []).append(name)
    parts = [HEAD]
    for module, names in modules.items():
        parts.append(f"## {module}\n")
        parts += [_entry(library, f"{module}.{name}") for name in names]
    return "\n".join(parts)


def listed(text: str) -> Iterator[tuple[str, str]]:
    """Each name of the table, with its module; those that are separated by `;` go in pairs."""
    for names, modules, _ in ROW.findall(text):
        groups, places = names.split(";"), NAME.findall(modules)
        for group, place in zip(groups, places, strict=True):
            yield from ((place, name) for name in NAME.findall(group))


def _entry(library: griffe.Module, path: str) -> str:
    found = library[path.removeprefix("polder.")]
    target = found.final_target if found.is_alias else found
    members = [_described(one, "####") for one in _public(target)] if target.is_class else []
    return "\n".join([_described(target, "###"), *members])


def _public(target: griffe.Object) -> Iterator[griffe.Object]:
    """Its own methods and properties that say what they promise."""
    for name, one in target.members.items():
        if not name.startswith("_") and not one.is_alias and one.has_docstring:
            assert isinstance(one, griffe.Object)
            yield one


def _described(one: griffe.Object, heading: str) -> str:
    code = f"```python\n{_code(one)}\n```\n\n" if _code(one) else ""
    docstring = one.docstring.value if one.docstring else ""
    return f"{heading} {one.name}\n\n{code}{docstring}\n"


def _code(one: griffe.Object) -> str:
    """How it is called, or what it stands for; nothing of a module."""
    if isinstance(one, griffe.Function):
        return one.signature()
    if isinstance(one, griffe.Class):
        made = one.members.get("__init__")
        bases = ", ".join(str(base) for base in one.bases)
        if isinstance(made, griffe.Function):
            return made.signature(name=one.name, return_type=False)
        return f"class {one.name}({bases})"
    if isinstance(one, griffe.Attribute) and one.value:
        return f"{one.name} = {one.value}"
    return ""
