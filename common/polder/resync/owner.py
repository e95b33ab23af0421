"""The owner's side: answers with its rows as they are, all of one moment, with whatever other rows
their public state is made of."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from json.encoder import encode_basestring
from typing import Any, NamedTuple, cast

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, models, transaction
from django.db.models.functions import Cast, Collate

from polder import this_service
from polder.contracts.event import State
from polder.database.partitioning import key_of_now
from polder.domain.aggregate import Aggregate, aggregates
from polder.errors.faults import MOMENT, Fault, fault_of
from polder.errors.private import without_values
from polder.outbox import claims, fence
from polder.outbox.claims import Claim
from polder.replication.lacking import MOST as MOST_LACKING
from polder.resync.messages import Lacking, Page, PageRequest, RowsRequest, WrittenPage

LARGEST_PAGE = 256 * 1024  # bytes of rows; the first may be larger, as large as an event
STEP = 100  # rows that are read at once
COUNTED = 100_000  # rows; of more than that the planner's estimate will do

log = logging.getLogger(__name__)

Said = PageRequest | RowsRequest


class Unsayable(ValueError):
    """A row of ours that its contract does not take; `str()` says which and why."""


def page_of(request: PageRequest) -> Page:
    """The rows after a key. Never raises for what is in the request."""
    model = aggregates().get(request.aggregate)
    if model is None:
        return _refused(request)
    order = order_of(model)
    rows = model._base_manager.order_by(order)
    if request.after:
        try:
            rows = rows.alias(_key=order).filter(_key__gt=bound(model, request.after))
        except ValidationError:
            return _refused(request, f"{request.after!r} is no key of {request.aggregate}")
    if request.since is not None:
        rows = rows.filter(updated_at__gte=request.since)
    try:
        found = _until_full(rows, request.size)
    except Unsayable as error:
        return _refused(request, str(error))
    return WrittenPage(
        request=request.request,
        read=key_of_now(),
        schema_version=model.contract.schema_version,
        written=found.written,
        lacking=found.lacking,
        after=request.after,
        through=None if found.is_all else found.last,
        total=None if request.after or request.since else total_of(model),
    )


def rows_of(request: RowsRequest) -> Page:
    """The rows of some keys. What the asker proves to know better is fenced first, as if it had
    been told when asked. Never raises for what is in the request."""
    model = aggregates().get(request.aggregate)
    if model is None:
        return _refused(request)
    keys = {one.key for one in request.keys}
    claims.put_up(
        [
            Claim(request.aggregate, one.key, one.version, one.event_id)
            for one in request.keys
            if one.version is not None and one.event_id is not None
        ],
        request.asker,
    )
    disputed = fence.fenced_keys(request.aggregate, keys)
    asked = [python_key(model, key) for key in sorted(keys - disputed) if _is_key(model, key)]
    rows = model._base_manager.filter(pk__in=asked).order_by(order_of(model))
    known = set(map(str, rows.values_list("pk", flat=True)))
    try:
        found = _until_full(rows, len(asked))
    except Unsayable as error:
        return _refused(request, str(error))
    return WrittenPage(
        request=request.request,
        read=key_of_now(),
        schema_version=model.contract.schema_version,
        written=found.written,
        lacking=found.lacking,
        unknown=sorted(keys - known - disputed),
        disputed=sorted(disputed),
    )


@contextmanager
def in_steps(rows: models.QuerySet[Aggregate]) -> Iterator[Iterator[Aggregate]]:
    """Of one moment, as is all that is read of other tables meanwhile, unless a transaction is open
    already. And not all in memory at once: each may be as large as an event."""
    found = cast("Generator[Aggregate]", rows.iterator(chunk_size=STEP))
    is_first = not connection.in_atomic_block
    with transaction.atomic(), closing(found):
        if is_first:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield found


class _Written(NamedTuple):
    """`last`: the key of the last of them; `is_all`: no more would follow."""

    written: list[str]
    lacking: list[Lacking]
    last: str = ""
    is_all: bool = True


def _until_full(rows: models.QuerySet[Aggregate], most: int) -> _Written:
    """So many of them as JSON; the first one whatever its size. Raises Unsayable."""
    done, size = _Written([], []), 0
    with in_steps(rows[: most + 1]) as found:
        for row in found:
            if len(done.written) + len(done.lacking) == most:
                return done._replace(is_all=False)
            try:
                text = _json_of(row)
            except Unsayable as error:
                # after an error of the database nothing more can be read in this transaction
                if isinstance(error.__cause__, DatabaseError) or len(done.lacking) == MOST_LACKING:
                    raise
                done.lacking.append(Lacking(key=row.subject, version=row.version, why=str(error)))
            else:
                size += len(text.encode())
                if done.written and size > LARGEST_PAGE:
                    return done._replace(is_all=False)
                done.written.append(text)
            done = done._replace(last=row.subject)
    return done


def _json_of(row: Aggregate) -> str:
    """Raises Unsayable."""
    state = state_of(row).model_dump_json(by_alias=True, exclude_none=True)
    return (
        f'{{"key":{encode_basestring(row.subject)},"version":{row.version},'
        f'"time":"{row.updated_at.isoformat()}","data":{state}}}'
    )


def state_of(row: Aggregate, *, logged: bool = True) -> State:
    """Raises Unsayable, with the reason in the log where it is `logged`."""
    try:
        return row.public_state()
    except Exception as error:
        if (fault := fault_of(error)) in MOMENT or fault is Fault.INTERRUPTED:
            raise
        name = f"{row.contract.aggregate} {row.subject}"
        if logged:
            log.exception("%s cannot be said", name)
        why = without_values(str(error))
        raise Unsayable(f"{this_service.name()} cannot say its {name}: {why}") from error


def order_of(model: type[Aggregate]) -> Any:
    """By the key, as the replicas order theirs: as text, whose order is also that of UUIDs."""
    key: Any = model._meta.pk
    column: Any = models.F(key.attname)
    if is_uuid_key(model):
        return column
    is_text = isinstance(key_field(model), models.CharField | models.TextField)
    return Collate(column if is_text else Cast(column, models.TextField()), "C")


def key_field(model: type[Aggregate]) -> Any:
    """What the key is, also where it is another row's."""
    key: Any = model._meta.pk
    return key.target_field if key.is_relation else key


def is_uuid_key(model: type[Aggregate]) -> bool:
    return isinstance(key_field(model), models.UUIDField)


def bound(model: type[Aggregate], key: str) -> Any:
    """What `order_of` is compared with. Raises ValidationError."""
    known = python_key(model, key)
    return known if is_uuid_key(model) else key


def python_key(model: type[Aggregate], key: str) -> Any:
    """Raises ValidationError."""
    return model._meta.pk.to_python(key)


def _is_key(model: type[Aggregate], key: str) -> bool:
    try:
        python_key(model, key)
    except ValidationError:
        return False
    return True


def total_of(model: type[Aggregate]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
            [f'"{model._meta.db_table}"'],
        )
        [estimate] = cursor.fetchone()
    return int(estimate) if estimate > COUNTED else model._base_manager.count()


def _refused(request: Said, why: str = "") -> Page:
    why = why or f"{this_service.name()} owns no {request.aggregate}"
    return Page(request=request.request, read=key_of_now(), schema_version=1, rows=[], refused=why)
