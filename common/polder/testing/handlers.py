"""Every handler of a service's API, as the URLconf has them: for tests of what must hold of each,
whoever adds one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from rest_framework import serializers
from rest_framework.test import APIClient

from polder.api.body import Body
from polder.api.documented import Documented
from polder.api.routes import routes

VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")


class Handler(NamedTuple):
    method: str
    route: str
    view: Any
    said: Documented | None  # None of what is no part of the API, such as its documentation

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    def address(self, **variables: object) -> str:
        return "/" + VARIABLE.sub(lambda found: str(variables[found[1]]), self.route)

    def call(
        self,
        client: APIClient,
        address: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """With all that a handler may ask for before it looks at the rest; with `{}` where there
        must be a body."""
        of_a_method = {"POST": {"Idempotency-Key": str(uuid4())}, "PATCH": {"If-Match": '"1"'}}
        asked = of_a_method.get(self.method, {}) | dict(headers or {})
        content: Any = body if body is not None else b"{}" if self.method != "GET" else b""
        return client.generic(
            self.method, address, content, content_type="application/json", headers=asked
        )


def every_handler() -> list[Handler]:
    return [
        Handler(method.upper(), address, view, getattr(handler, "documented", None))
        for method, address, view, handler in routes()
    ]


def api_handlers() -> list[Handler]:
    return [handler for handler in every_handler() if handler.said]


def fields_of(
    serializer: serializers.BaseSerializer[Any], name: str = ""
) -> Iterator[tuple[str, Any]]:
    """The serializer and all that is nested in it, each with its path."""
    yield name, serializer
    child = getattr(serializer, "child", None)
    for part, field in ({"*": child} if child else getattr(serializer, "fields", {})).items():
        yield from fields_of(field, f"{name}.{part}")


def assert_strict(taken: type[serializers.Serializer[Any]]) -> None:
    """That a body of this kind is refused when it has a member too many, at any level, and is
    measured before it is looked through."""
    for name, field in fields_of(taken()):
        assert not isinstance(field, serializers.Serializer) or isinstance(field, Body), (
            f"{taken.__name__}{name} is no Body"
        )
        assert not isinstance(field, serializers.ListField | serializers.DictField), (
            f"{taken.__name__}{name} looks at its elements first"
        )
        assert not isinstance(field, serializers.ListSerializer) or getattr(
            field, "max_length", None
        ), f"{taken.__name__}{name} may be of any length"
        assert (
            not isinstance(field, serializers.CharField)
            or field.max_length
            or isinstance(field, serializers.RegexField)
        ), f"{name} is unbounded"
