"""What this service reads of others: the members that its replicas keep, and whom they wake."""

from __future__ import annotations

from typing import Any

from pydantic.fields import FieldInfo

from polder.contracts.event import Event
from polder.reconcile.reconciler import reconcilers
from polder.replication.replica import Replication, replications


def reads() -> dict[str, Any]:
    """Each replica with where its columns come from, as members of an event's `data` are called in
    JSON, and with the reconcilers that watch it."""
    return {
        "replicas": [
            {
                "of": aggregate,
                "replica": replication.model._meta.label,
                "fields": {
                    name: _in_json(aggregate, path)
                    for name, path in sorted(_looked_at(replication).items())
                },
                "reconcilers": _watched_by(replication),
            }
            for aggregate, replication in sorted(replications.items())
        ]
    }


def _looked_at(replication: Replication) -> dict[str, str]:
    """What it keeps, and what decides whether it keeps it."""
    return replication.declared | {f"where {path}": path for path, _ in replication.where}


def _watched_by(replication: Replication) -> list[str]:
    return sorted(
        reconciler.name for reconciler in reconcilers if replication.model in reconciler.watching
    )


def _in_json(aggregate: str, path: str) -> str:
    """`price.amount`, `shippingAddress`: as far as the contract knows it."""
    kinds = [
        kind for kind in Event.known.values() if f"{kind.service}.{kind.aggregate}" == aggregate
    ]
    state: Any = kinds[0].model_fields["data"].annotation if kinds else None
    names = []
    for name in path.split("."):
        members: dict[str, FieldInfo] = getattr(state, "model_fields", {})
        field = members.get(name)
        names.append((field.alias or name) if field else name)
        state = field.annotation if field else None
    return ".".join(names)
