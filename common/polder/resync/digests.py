"""The owner's side of an audit: what its rows come to, and which they are.

Keys and versions are digested in SQL. The content is what the public state says of the fields that
the asker keeps, so it is reckoned here, as `content` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from pydantic import BaseModel

from polder import this_service
from polder.database.partitioning import key_of_now
from polder.domain.aggregate import Aggregate, aggregates
from polder.replication.content import hash_of, kind_named
from polder.replication.digest import bits, bits_sql
from polder.replication.replica import plain
from polder.resync.messages import (
    BUCKET,
    MOST_LISTED,
    Bucket,
    Content,
    Digests,
    DigestsRequest,
    KeysRequest,
    Listed,
    Listing,
)
from polder.resync.owner import (
    Unsayable,
    bound,
    in_steps,
    is_uuid_key,
    key_field,
    order_of,
    state_of,
    total_of,
)

# whose text is the same in Python and in SQL
KEYS = (models.CharField, models.TextField, models.UUIDField, models.IntegerField)
Hash = Callable[[Aggregate], str]


class NotPossible(ValueError):
    """It cannot be answered; `str()` says why."""


def digests_of(request: DigestsRequest) -> Digests:
    """Never raises for what is in the request."""
    about = {"request": request.request, "read": key_of_now(), "after": request.after}
    try:
        model = _model(request)
        if request.content is None:
            buckets = _in_sql(model, request.after, request.size)
        else:
            buckets = _by_content(model, request.after, request.size, request.content)
    except (NotPossible, Unsayable) as error:
        return Digests(**about, refused=str(error))
    size = sum(bucket.rows for bucket in buckets)
    if size < request.size:
        last = buckets[-1] if buckets else Bucket(through=None, rows=0, digest=0)
        buckets = [*buckets[:-1], last.model_copy(update={"through": None})]
    return Digests(**about, buckets=buckets, total=None if request.after else total_of(model))


def keys_of(request: KeysRequest) -> Listing:
    """Never raises for what is in the request."""
    try:
        model = _model(request)
        hashed = _hash(model, request.content) if request.content else None
        listed, retired, is_all = _listed(request, model, hashed)
    except (NotPossible, Unsayable) as error:
        return Listing(request=request.request, read=key_of_now(), refused=str(error))
    return Listing(
        request=request.request,
        read=key_of_now(),  # what was listed was committed before
        rows=listed,
        through=None if is_all else listed[-1].key,
        unsaid=_unsaid(request.aggregate, [one.key for one in listed]),
        retired=retired,
    )


def _listed(
    request: KeysRequest, model: type[Aggregate], hashed: Hash | None
) -> tuple[list[Listed], list[str], bool]:
    """The first rows, which of them were retired as the request says, and whether they are all.
    Raises NotPossible, Unsayable."""
    listed: list[Listed] = []
    retired: list[str] = []
    before = request.retired_before
    with in_steps(_rows(model, request.after, request.through)[: MOST_LISTED + 1]) as rows:
        for row in rows:
            if len(listed) == MOST_LISTED:
                return listed, retired, False
            content = hashed(row) if hashed else ""
            listed.append(Listed(key=row.subject, version=row.version, hash=content))
            if before is not None and row.updated_at < before and _is_tombstone(row):
                retired.append(row.subject)
    return listed, retired, True


def _model(request: DigestsRequest | KeysRequest) -> type[Aggregate]:
    """Raises NotPossible."""
    model = aggregates().get(request.aggregate)
    if model is None:
        raise NotPossible(f"{this_service.name()} owns no {request.aggregate}")
    if not isinstance(key_field(model), KEYS):
        raise NotPossible(f"the keys of {request.aggregate} may be written otherwise here")
    return model


def _rows(model: type[Aggregate], after: str, through: str | None) -> models.QuerySet[Aggregate]:
    """Raises NotPossible."""
    order = order_of(model)
    try:
        bounds = {
            name: bound(model, key)
            for name, key in (("_key__gt", after or None), ("_key__lte", through))
            if key is not None
        }
    except ValidationError as error:
        raise NotPossible(f"{after!r} or {through!r} is no key of {model.__name__}") from error
    return model._base_manager.alias(_key=order).filter(**bounds).order_by(order)


def _in_sql(model: type[Aggregate], after: str, size: int) -> list[Bucket]:
    """Raises NotPossible."""
    rows = _rows(model, after, None).values_list("pk", "version")[:size]
    selected, values = rows.query.sql_with_params()
    order = "key" if is_uuid_key(model) else 'key::text COLLATE "C"'
    sql = f"""
        SELECT (array_agg(key::text ORDER BY number DESC))[1], count(*),
            bit_xor({bits_sql("key::text", "''")})
        FROM (SELECT key, version, row_number() OVER (ORDER BY {order}) AS number
            FROM ({selected}) AS selected(key, version)) AS numbered
        GROUP BY (number - 1) / {BUCKET} ORDER BY (number - 1) / {BUCKET}
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [
            Bucket(through=through, rows=number, digest=digest)
            for through, number, digest in cursor.fetchall()
        ]


def _by_content(model: type[Aggregate], after: str, size: int, content: Content) -> list[Bucket]:
    """Raises NotPossible, Unsayable."""
    hashed = _hash(model, content)
    buckets = []
    with in_steps(_rows(model, after, None)[:size]) as rows:
        while (bucket := _bucket(islice(rows, BUCKET), hashed)).rows:
            buckets.append(bucket)
    return buckets


def _bucket(rows: Iterable[Aggregate], hashed: Hash) -> Bucket:
    through, number, digest = None, 0, 0
    for row in rows:
        through, number = row.subject, number + 1
        digest ^= bits(row.subject, row.version, hashed(row))
    return Bucket(through=through, rows=number, digest=digest)


def _hash(model: type[Aggregate], content: Content) -> Hash:
    """Raises NotPossible when the content cannot be said in the asker's terms."""
    mine = model.contract.schema_version
    if content.schema_version != mine:
        raise NotPossible(
            f"{this_service.name()} has version {mine} of {model.contract.aggregate}, and was "
            f"asked in terms of version {content.schema_version}"
        )
    fields = sorted(content.fields, key=lambda field: field.column)
    state = model.contract.model_fields["data"].annotation
    for field in fields:
        _check_path(state, field.path)
    try:
        kinds = [kind_named(field.kind) for field in fields]
    except KeyError as error:
        raise NotPossible(f"{this_service.name()} knows no content of the kind {error}") from error
    paths = [field.path for field in fields]
    getter = attrgetter(*paths) if paths else lambda state: ()

    def hashed(row: Aggregate) -> str:
        said = state_of(row)
        values = (getter(said),) if len(paths) == 1 else getter(said)
        try:
            return hash_of(said.retired, [plain(value) for value in values], kinds)
        except (ValueError, TypeError, ArithmeticError) as error:
            name = f"{model.contract.aggregate} {row.subject}"
            raise NotPossible(f"{name} has no such content: {type(error).__name__}") from error

    return hashed


def _check_path(state: Any, path: str) -> None:
    """Raises NotPossible."""
    for name in path.split("."):
        known = isinstance(state, type) and issubclass(state, BaseModel)
        if not known or name not in state.model_fields:
            raise NotPossible(f"{this_service.name()} says no {path}")
        state = state.model_fields[name].annotation


def _is_tombstone(row: Aggregate) -> bool:
    try:
        return state_of(row, logged=False).retired
    except Unsayable:
        return False  # why is told when it is asked for


def _unsaid(aggregate: str, keys: Sequence[str]) -> list[str]:
    """One that is held waits for an operator, and is not under way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT subject FROM polder_outbox WHERE published_at IS NULL "
            "AND held_at IS NULL AND aggregate_type = %s AND subject = ANY(%s)",
            [aggregate, list(keys)],
        )
        return [subject for (subject,) in cursor.fetchall()]
