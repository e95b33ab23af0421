"""Replicas that cannot work, found before a service starts and not by the first event."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from types import NoneType
from typing import Any, get_args

from django.apps import apps
from django.core.checks import Error, register
from django.db import connection
from pydantic import BaseModel, TypeAdapter, ValidationError

from polder.contracts.event import Event
from polder.process.starts import STARTS
from polder.replication.bounds import misfit
from polder.replication.replica import OWN_COLUMNS, Replica, clashes, where_of


@register(STARTS)
def replicas_fit_their_contracts(**_: Any) -> list[Error]:
    """Each replica names an aggregate that is known, alone, and takes fields that the aggregate's
    public state has."""
    models = [model for model in apps.get_models() if issubclass(model, Replica)]
    models = [model for model in models if not model._meta.proxy]
    twice = [
        Error(
            f"{first._meta.label} and {second._meta.label} are both replicas of "
            f"{first.replica_of}.",
            obj=second,
            id="polder.E012",
        )
        for first, second in clashes
    ]
    return [*twice, *(error for model in models for error in _errors(model))]


def _errors(model: type[Replica]) -> Iterator[Error]:
    if not model.replica_of:
        hint = f'class {model.__name__}(Replica, of="inventory.product")'
        yield Error(
            f"{model._meta.label} does not name the aggregate that it is a replica of.",
            hint=hint,
            obj=model,
            id="polder.E010",
        )
        return
    state = _states().get(model.replica_of)
    if state is None:
        known = ", ".join(sorted(_states())) or "none: no contract is defined in an installed app"
        yield Error(
            f"No contract describes {model.replica_of}.",
            hint=f"Known: {known}.",
            obj=model,
            id="polder.E011",
        )
        return
    for name in sorted({*OWN_COLUMNS} - {"key"}):
        field = model._meta.get_field(name)
        # Django copies the fields of an abstract model with their counters
        if field.creation_counter != Replica._meta.get_field(name).creation_counter:  # type: ignore[union-attr]
            yield Error(
                f"{model._meta.label} has a field {name!r}, which every replica has for itself.",
                hint=f"For the owner's: class {model.__name__}(Replica, of="
                f'"{model.replica_of}", their_{name}="{name}"), and a field their_{name}.',
                obj=model,
                id="polder.E032",
            )
    columns = {
        str(field.column): field
        for field in model._meta.concrete_fields
        if field.column not in OWN_COLUMNS
    }
    for column, field in columns.items():
        if _translates(field):
            yield Error(
                f"{model._meta.label} has a field {column!r} that writes something else than it is "
                "given, and a replica's columns are written as their owner says them.",
                hint="Declare a field of Django's; keep what is encrypted in a model beside it.",
                obj=model,
                id="polder.E035",
            )
    for column in sorted(model.paths.keys() - columns.keys()):
        yield Error(
            f"{model._meta.label} gives a path for {column}, and has no such field.",
            obj=model,
            id="polder.E013",
        )
    for path in sorted(path for path in model.where if _annotation(state, path) is None):
        yield Error(
            f"{model._meta.label} keeps only some by {path!r}, which {state.__name__} lacks.",
            hint=f"{state.__name__} has: {', '.join(state.model_fields)}.",
            obj=model,
            id="polder.E015",
        )
    for path, values in where_of(model):
        if (kind := _annotation(state, path)) is not None:
            yield from _value_errors(model, path, kind, values)
    for column, field in columns.items():
        yield from _field_errors(model, state, model.paths.get(column, column), field)


def _translates(field: Any) -> bool:
    """In both directions, as one that encrypts; tried with a text, if it takes one."""
    reads = getattr(type(field), "from_db_value", None)
    if reads is None or reads.__module__.startswith("django."):
        return False
    with suppress(Exception):
        return bool(field.get_db_prep_save("abc", connection) != "abc")
    return False


def _field_errors(
    model: type[Replica], state: type[BaseModel], path: str, field: Any
) -> Iterator[Error]:
    found = _annotation(state, path)
    if found is None:
        hint = f"{state.__name__} has: {', '.join(state.model_fields)}."
        yield Error(
            f"{model._meta.label} takes {path!r}, which {state.__name__} lacks.",
            hint=hint,
            obj=model,
            id="polder.E013",
        )
    elif NoneType in get_args(found) and not field.null:
        hint = "Declare it with null=True."
        yield Error(
            f"{model._meta.label} takes {path!r}, which may be null, into a column that may not.",
            hint=hint,
            obj=model,
            id="polder.E014",
        )
    elif said := misfit(field, state, path):
        yield Error(
            f"{model._meta.label}.{field.name} takes {path!r}, {said}.",
            hint="What does not fit is refused or rounded. Declare a field that takes all of it.",
            obj=model,
            id="polder.E036",
        )


def _value_errors(
    model: type[Replica], path: str, kind: Any, values: Collection[Any]
) -> Iterator[Error]:
    """Of what the member never is, so that nothing would be kept by it."""
    for value in sorted(values, key=str):
        try:
            is_one = TypeAdapter(kind).validate_python(value) == value
        except ValidationError:
            is_one = False
        if not is_one:
            yield Error(
                f"{model._meta.label} keeps those whose {path!r} is {value!r}, which it never is.",
                hint=f"It is of the type {getattr(kind, '__name__', kind)}.",
                obj=model,
                id="polder.E015",
            )


def _annotation(state: type[BaseModel], path: str) -> Any:
    """The type of what a dotted path leads to; None when it leads nowhere, or through something
    that may be null."""
    first, _, rest = path.partition(".")
    field = state.model_fields.get(first)
    if field is None:
        return None
    if not rest:
        return field.annotation
    inner = field.annotation
    return (
        _annotation(inner, rest)
        if isinstance(inner, type) and issubclass(inner, BaseModel)
        else None
    )


def _states() -> dict[str, type[BaseModel]]:
    """The public state of every aggregate that a contract describes."""
    states: dict[str, type[BaseModel]] = {}
    for kind in Event.known.values():
        state = kind.model_fields["data"].annotation
        if isinstance(state, type) and issubclass(state, BaseModel):
            states[f"{kind.service}.{kind.aggregate}"] = state
    return states
