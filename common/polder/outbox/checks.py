"""Events and aggregates that cannot work, found before a service starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, models

from polder import this_service
from polder.contracts.event import Event, events_of
from polder.domain.aggregate import Aggregate, StatefulAggregate, aggregate_name
from polder.outbox.guard.install import differences
from polder.process.starts import STARTS


@register(STARTS)
def event_types_are_named_once(**_: Any) -> list[Error]:
    return [
        Error(
            f"{first.service} has two event types named {first.__name__}: in {first.__module__} "
            f"and in {second.__module__}.",
            hint="A message names only the service and the type. Rename one of them.",
            obj=second,
            id="polder.E001",
        )
        for first, second in Event.clashes
    ]


@register(STARTS)
def aggregates_fit_their_contracts(**_: Any) -> list[Error]:
    """Each aggregate has one table, a contract of this service that is nobody else's, and a public
    state, and an event for each of its statuses, or one that says what it is now."""
    owned = [model for model in apps.get_models() if issubclass(model, Aggregate)]
    owned = [model for model in owned if not model._meta.proxy]
    return [*_same_twice(owned), *(error for model in owned for error in _errors(model))]


@register(Tags.database)
def the_guard_is_as_declared(databases: Sequence[str] | None = None, **_: Any) -> list[Warning]:
    """Asked by `check --database default` and by `migrate`, which makes it so."""
    if not databases or DEFAULT_DB_ALIAS not in databases:
        return []
    hint = "migrate puts the guard of this version and of POLDER['GUARD'] into the database."
    return [Warning(f"{one}.", hint=hint, id="polder.W002") for one in differences()]


def taken_names() -> set[str]:
    """What an aggregate has besides its columns: a field of such a name would be in its place."""
    ours = {name for kind in (Aggregate, StatefulAggregate) for name in vars(kind)}
    ours |= {name for kind in (Aggregate, StatefulAggregate) for name in kind.__annotations__}
    columns = {field.name for field in Aggregate._meta.fields} | {"status"}
    return {name for name in ours - columns if not name.startswith(("_", "get_"))} - {"Meta"}


def _same_twice(owned: Sequence[type[Aggregate]]) -> Iterator[Error]:
    """A message tells only the aggregate, so the rows of two models would be mixed up."""
    first: dict[str, type[Aggregate]] = {}
    for model in owned:
        name = aggregate_name(model) if hasattr(model, "contract") else model._meta.label
        if (known := first.setdefault(name, model)) is not model and not model._meta.parents:
            yield Error(
                f"{known._meta.label} and {model._meta.label} have one contract, of {name}.",
                hint="An aggregate is one model: give each a contract of its own.",
                obj=model,
                id="polder.E034",
            )


def _errors(model: type[Aggregate]) -> Iterator[Error]:
    if model._meta.parents:
        parent = next(iter(model._meta.parents))._meta.label
        yield Error(
            f"{model._meta.label} has its columns in two tables, of which one is that of {parent}.",
            hint=f"An aggregate is one row of one table: make {parent} abstract, or one model of "
            "both.",
            obj=model,
            id="polder.E034",
        )
        return
    if taken := taken_names() & {field.name for field in model._meta.concrete_fields}:
        name = min(taken)
    elif type(model._meta.get_field("version")) is not models.BigIntegerField:
        name = "version"
    else:
        name = ""
    if name:
        yield Error(
            f"{model._meta.label} has a field {name!r}, which every aggregate has for itself.",
            hint=f"Rename it; db_column={name!r} leaves the table as it is.",
            obj=model,
            id="polder.E031",
        )
        return
    contract = getattr(model, "contract", None)
    if contract is None:
        hint = "contract = OrderEvent, the base class of its events."
        yield Error(
            f"{model._meta.label} names no contract.", hint=hint, obj=model, id="polder.E002"
        )
        return
    if contract.service != this_service.name():
        told = (
            f"{model._meta.label} has a contract of {contract.service}, and this is "
            f"{this_service.name()}."
        )
        yield Error(
            told, hint="A service publishes only its own events.", obj=model, id="polder.E003"
        )
    if model.public_state is Aggregate.public_state:
        yield Error(f"{model._meta.label} defines no public_state().", obj=model, id="polder.E005")
    names = {field.name for field in model._meta.concrete_fields}
    for name in sorted(set(model.private) - names):
        yield Error(
            f"{model._meta.label} declares {name!r} private, and has no such field.",
            obj=model,
            id="polder.E006",
        )
    if issubclass(model, StatefulAggregate):
        yield from _status_errors(model)
    elif len(kinds := events_of(contract)) > 1 and model.announcement is Aggregate.announcement:
        one = kinds[-1].__name__
        yield Error(
            f"{model._meta.label} has several events, and none that says what it is now.",
            hint=f"def announcement(self): return {one}.of(self). `restored` needs it.",
            obj=model,
            id="polder.E033",
        )


def _status_errors(model: type[StatefulAggregate]) -> Iterator[Error]:
    statuses = set(map(str, model.moves.table))
    announced = [str(kind.status) for kind in events_of(model.contract) if kind.status is not None]
    for status in sorted(statuses - set(announced)):
        yield Error(
            f"No event announces that {model._meta.label} is {status!r}.",
            hint="status = ... on the event's class.",
            obj=model,
            id="polder.E004",
        )
    for status in sorted(set(announced) - statuses):
        yield Error(
            f"An event announces {status!r}, which {model._meta.label} never is.",
            obj=model,
            id="polder.E004",
        )
    for status in sorted({status for status in announced if announced.count(status) > 1}):
        yield Error(
            f"Two events announce that {model._meta.label} is {status!r}.",
            obj=model,
            id="polder.E004",
        )
