"""Who is let in where, with which methods: the one table that every address of every service is
held against. An address that no row is about, and a method that its row does not name, is for
nobody."""

from __future__ import annotations

from typing import NamedTuple

STAFF = frozenset({"viewer", "operator", "admin"})  # the groups that `access` makes
OPERATORS = STAFF - {"viewer"}
ADMINS = OPERATORS - {"operator"}
NOBODY = STAFF - STAFF
READERS, WRITERS = STAFF | {"read key"}, frozenset({"write key"})
OPS = STAFF | {"ops key"}
CALLERS = ("anonymous", "viewer", "operator", "admin", "read key", "write key", "ops key")
ANYBODY = frozenset(CALLERS)

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SAFE, PAGE, FORM = "GET HEAD OPTIONS", "GET HEAD", "GET HEAD POST"
CHANGES = "POST PUT PATCH DELETE"


class Row(NamedTuple):
    """`address`: `<>` is a variable part, `*` any one part. A list's action is under the address of
    the page on which it is offered for one row."""

    address: str
    methods: str
    who: frozenset[str]


# The first row that is about the address and the method holds.
TABLE = (
    Row("livez", SAFE, ANYBODY),
    Row("readyz", SAFE, ANYBODY),
    Row("metrics", SAFE, ANYBODY),
    # the API
    Row("api/", SAFE, ANYBODY),
    Row("api/schema/", SAFE, ANYBODY),
    Row("api/docs/", SAFE, ANYBODY),
    Row("problems/<>/", SAFE, ANYBODY),
    Row("api/*/", SAFE, READERS),
    Row("api/*/<>/", SAFE, READERS),
    Row("api/*/<>/*/", SAFE, READERS),
    Row("api/*/", CHANGES, WRITERS),
    Row("api/*/<>/", CHANGES, WRITERS),
    Row("api/*/<>/*/", CHANGES, WRITERS),
    # what the events say
    Row("events/", SAFE, ANYBODY),
    Row("events/asyncapi.yaml", SAFE, ANYBODY),
    Row("events/<>/<>/", SAFE, ANYBODY),
    Row("events/<>/<>/<>.json", SAFE, ANYBODY),
    # for whoever wrote, for operators and other services
    Row("ops/applied/<>", SAFE, READERS),
    Row("ops/timeline/<>", SAFE, OPS),
    Row("ops/standing", SAFE, OPS),
    Row("ops/board/", PAGE, STAFF),
    Row("ops/board/live", PAGE, STAFF),
    Row("ops/board/do", "POST", STAFF),  # there is nothing without an action
    Row("ops/board/*", "POST", OPERATORS),  # an action of the service's own
    # the admin
    Row("admin/login/", FORM, ANYBODY),
    Row("admin/logout/", FORM, ANYBODY),
    Row("admin/", FORM, STAFF),
    Row("admin/search/", FORM, STAFF),
    Row("admin/password_change/", FORM, STAFF),
    Row("admin/password_change/done/", FORM, STAFF),
    Row("admin/jsi18n/", FORM, STAFF),
    Row("admin/autocomplete/", "", NOBODY),  # no field is chosen by typing
    Row("admin/r/<>/<>/", FORM, STAFF),
    Row("admin/runbooks/", PAGE, STAFF),
    Row("admin/timeline/", PAGE, STAFF),
    Row("admin/parked/", PAGE, STAFF),
    Row("admin/parked/all/", FORM, STAFF),  # there is nothing without an action
    Row("admin/parked/all/?action=fetch", FORM, OPERATORS),
    Row("admin/parked/all/?action=redrive", FORM, OPERATORS),
    Row("admin/parked/all/?action=discard", FORM, OPERATORS),
    Row("admin/<>/", FORM, STAFF),
    Row("admin/<>", FORM, STAFF),
    # nobody but superusers adds, changes and deletes
    Row("admin/auth/user/<>/password/", "", NOBODY),
    Row("admin/*/*/add/", "", NOBODY),
    Row("admin/*/*/<>/delete/", "", NOBODY),
    Row("admin/*/*/<>/", FORM, STAFF),  # leads to its page
    # who has access
    Row("admin/auth/*/", FORM, ADMINS),
    Row("admin/auth/*/<>/change/", PAGE, ADMINS),
    Row("admin/auth/*/<>/history/", FORM, ADMINS),
    Row("admin/polder_api/apikey/", FORM, ADMINS),
    Row("admin/polder_api/apikey/<>/change/", PAGE, ADMINS),
    Row("admin/polder_api/apikey/<>/history/", FORM, ADMINS),
    Row("admin/polder_api/apikey/<>/revoke/", FORM, ADMINS),
    # all else
    Row("admin/*/*/", FORM, STAFF),
    Row("admin/*/*/<>/change/", PAGE, STAFF),
    Row("admin/*/*/<>/change/", "POST", NOBODY),
    Row("admin/*/*/<>/history/", FORM, STAFF),
    Row("admin/polder_effects/intent/<>/repeat/", FORM, OPERATORS),
    Row("admin/polder_effects/intent/<>/skip/", FORM, OPERATORS),
    Row("admin/polder_inbox/bulkoperation/<>/pause/", FORM, OPERATORS),
    Row("admin/polder_inbox/bulkoperation/<>/resume/", FORM, OPERATORS),
    Row("admin/polder_inbox/bulkoperation/<>/cancel/", FORM, OPERATORS),
    Row("admin/polder_inbox/parkedevent/<>/fetch/", FORM, OPERATORS),
    Row("admin/polder_inbox/parkedevent/<>/redrive/", FORM, OPERATORS),
    Row("admin/polder_inbox/parkedevent/<>/discard/", FORM, OPERATORS),
    Row("admin/polder_inbox/parkedevent/<>/restore/", FORM, OPERATORS),
    Row("admin/polder_outbox/outboxevent/<>/release/", FORM, OPERATORS),
    Row("admin/polder_outbox/fenced/<>/accept/", FORM, ADMINS),
    Row("admin/polder_replication/drift/<>/close/", FORM, OPERATORS),
    Row("admin/polder_replication/regression/<>/close/", FORM, OPERATORS),
    Row("admin/polder_replication/replicastate/<>/resync/", FORM, OPERATORS),
    Row("admin/polder_replication/replicastate/<>/pause/", FORM, OPERATORS),
    Row("admin/polder_replication/replicastate/<>/resume/", FORM, OPERATORS),
    Row("admin/polder_replication/replicastate/<>/cancel/", FORM, OPERATORS),
    Row("admin/SERVICE/*/<>/*/", FORM, OPERATORS),  # what a service's own people do by hand
)


def is_listed(address: str, service: str) -> bool:
    return any(_is_about(row, address, service) for row in TABLE)


def let_in(address: str, method: str, service: str) -> frozenset[str]:
    """Who is to be let in."""
    for row in TABLE:
        if _is_about(row, address, service) and (method in row.methods.split() or not row.methods):
            return row.who
    return NOBODY


def _is_about(row: Row, address: str, service: str) -> bool:
    wanted = row.address.replace("SERVICE", service).split("/")
    there = address.split("/")
    return len(wanted) == len(there) and all(
        (one == "*" and part and "<" not in part) or one == part
        for one, part in zip(wanted, there, strict=True)
    )
