"""What the template calls things, from the contracts of what the new service replicates."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import common.contracts  # noqa: F401 - all of them are known from here on
from polder.contracts.event import Event, State
from polder.contracts.examples import example_of, key_members
from tools.new_service.errors import NotPossible
from tools.new_service.fields import fields_of


@dataclass(frozen=True)
class Followed:
    """An aggregate of which a replica is kept."""

    aggregate: str  # "order.order"
    first: type[Event]  # the event that begins it

    @property
    def name(self) -> str:
        return self.aggregate.partition(".")[2]

    @property
    def model(self) -> str:
        return camel(self.name)

    @property
    def example(self) -> State:
        return self.first.model_validate_json(json.dumps(example_of(self.first))).data

    @property
    def has_uuid(self) -> bool:
        """Where several members name it, its key is a text made of them."""
        example = self.example
        return [isinstance(getattr(example, name), UUID) for name in key_members(example)] == [True]

    @property
    def import_line(self) -> str:
        return f"from {self.first.__module__} import {self.first.__name__}"


def followed(aggregate: str) -> Followed:
    """Raises NotPossible for one that no contract describes."""
    known: dict[str, type[Event]] = {}
    for kind in Event.known.values():
        known.setdefault(f"{kind.service}.{kind.aggregate}", kind)
    if aggregate not in known:
        raise NotPossible(
            f"No contract describes {aggregate}. There are: {', '.join(sorted(known))}."
        )
    return Followed(aggregate, known[aggregate])


def names(service: str, owned: str, all_followed: Sequence[Followed]) -> dict[str, str]:
    """For the template, by the names that it uses."""
    first, plural = all_followed[0], plural_of(owned)
    is_uuid = first.has_uuid
    models = sorted(one.model for one in all_followed)
    return {
        "service": service,
        "Service": service.capitalize(),
        "owned": owned,
        "Owned": camel(owned),
        "owned_words": owned.replace("_", " "),
        "owned_dashes": owned.replace("_", "-"),
        "owned_flat": owned.replace("_", ""),
        "plural": plural,
        "plural_words": plural.replace("_", " "),
        "path": plural.replace("_", "-"),
        "followed": first.name,
        "Followed": first.model,
        "followed_words": first.name.replace("_", " "),
        "followed_plural": plural_of(first.name),
        "FirstEvent": first.first.__name__,
        "followed_module": first.first.__module__.rpartition(".")[2],
        "key": f"{first.name}_id",
        "key_json": re.sub("_(.)", lambda found: found[1].upper(), f"{first.name}_id"),
        "key_python": "UUID" if is_uuid else "str",
        "key_contract": "UUID" if is_uuid else "Key",
        "key_import": "from uuid import UUID\n" if is_uuid else "",
        "key_type_import": "" if is_uuid else "from polder.contracts.types import Key\n",
        "key_converter": "id" if is_uuid else "part",
        "key_field": "models.UUIDField(primary_key=True)"
        if is_uuid
        else 'models.CharField(max_length=64, primary_key=True, db_collation="C")',
        "replicas": "\n\n\n".join(_replica(one, is_first=one is first) for one in all_followed),
        "replica_names": ", ".join(models),
        "names_in_quotes": ", ".join(f'"{name}"' for name in sorted([camel(owned), *models])),
        "admin_names": ", ".join(f'"{name.lower()}"' for name in sorted([camel(owned), *models])),
        "contract_imports": "\n".join(one.import_line for one in all_followed),
        "kinds_and_replicas": ", ".join(
            f"({one.first.__name__}, {one.model})" for one in all_followed
        ),
    }


def _replica(one: Followed, *, is_first: bool) -> str:
    index = 'models.Index(fields=["synced_at"], name="replica_by_synced_at")'
    fields, others = fields_of(one.example)
    key = ["    key = models.UUIDField(primary_key=True)"] if one.has_uuid else []
    hint = [f"    # {one.aggregate} also says: {', '.join(others)}"] if others else []
    return "\n".join(
        [
            f'class {one.model}(Replica, of="{one.aggregate}"):',
            *key,
            *(f"    {name} = {field}" for name, field in fields.items()),
            *hint,
            "",
            "    class Meta:",
            f'        db_table = "replica_{one.name}"',
            f'        ordering = ["{"-" if one.has_uuid else ""}key"]',
            *([f"        indexes = [{index}]"] if is_first else []),
        ]
    )


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def plural_of(name: str) -> str:
    if re.search("[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search("(s|x|z|ch|sh)$", name) else f"{name}s"
