"""What broker users may do, compared with what is declared. Only an administrator can see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from polder.broker import names
from polder.broker.declared import Declared, Rights
from polder.broker.management_api import ManagementApi
from polder.broker.ownership import tags_of


def differences_of_user(
    api: ManagementApi, user: str, granted: Rights, tags: str = ""
) -> Iterator[str]:
    """Of one that topology makes. Raises ManagementError."""
    found = api.get("users", user)
    if found is None:
        yield f"the user {user} is missing"
        return
    if more := tags_of(found) - {tags}:
        yield f"the user {user} has the tags {', '.join(sorted(more))}, declared {tags or 'none'}"
    permissions = {one["vhost"]: one for one in api.call("GET", "users", user, "permissions")}
    here = permissions.pop(api.vhost, {})
    for name, pattern in granted._asdict().items():
        if here.get(name) != pattern:
            yield f"the user {user} may {name} {here.get(name, 'nothing')}, declared {pattern}"
    for elsewhere in sorted(permissions):
        yield f"the user {user} has rights in the vhost {elsewhere}, declared none"
    for one in api.call("GET", "users", user, "topic-permissions"):
        yield (
            f"the user {user} has topic permissions for {one['exchange'] or 'all exchanges'} in "
            f"the vhost {one['vhost']}, declared none"
        )
    for one in api.get("user-limits", user) or []:
        yield f"the user {user} has the limits {one['value']}, declared none"


def others_with_rights(api: ManagementApi, declared: Declared, user: str) -> Iterator[str]:
    """Who else may publish in the service's name or take its messages; administrators are expected
    to. Raises ManagementError."""
    administrators = {
        one["name"] for one in api.call("GET", "users") if "administrator" in tags_of(one)
    }
    exchanges = [names.event_exchange(declared.service), names.direct_exchange(declared.service)]
    for one in api.call("GET", "vhosts", api.vhost, "permissions"):
        if one["user"] in {user, *administrators}:
            continue
        for verb, places in (
            ("write", exchanges),
            ("read", declared.queues),
            ("configure", [*exchanges, *declared.queues]),
        ):
            if reached := [place for place in places if _may(one, verb, place)]:
                yield (
                    f"the user {one['user']} may {verb} {', '.join(reached)}, declared nobody but "
                    f"{user}"
                )


def _may(permission: dict[str, Any], verb: str, place: str) -> bool:
    try:
        return bool(permission[verb]) and re.search(permission[verb], place) is not None
    except re.error:
        return True
