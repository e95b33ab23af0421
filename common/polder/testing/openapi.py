"""A service's API against its own OpenAPI document: requests that keep to it and requests that do
not, at every address.

    @pytest.mark.parametrize("operation", every_operation(), ids=str)
    def test_every_answer_is_one_that_the_document_names(shop: None, operation: Operation) -> None:
        operation.fuzz(path={"product_id": "p1"})

The same requests each time, and few enough to be quick. The rows that reads should find are seeded
by the test's fixtures; everything happens in the test's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from polder.api.models import Scope
from polder.testing.api import api_key

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
WITHIN = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Operation:
    """One method of one address."""

    def __init__(self, operation: Any) -> None:
        self.operation = operation

    def __str__(self) -> str:
        return str(self.operation.label)

    def fuzz(
        self,
        *,
        path: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        reaching: Collection[int] = (200, 201, 202),
    ) -> None:
        """Sends requests to any address and to the one that is there: `path` has the values of its
        variable parts, such as those seeded, and `headers` of the headers that it takes.

        Raises what Schemathesis raises, with a curl command, when an answer is none of those that
        the document names; AssertionError when no request was answered by a status of `reaching`,
        for then little was tried.
        """
        application, statuses = _in_this_transaction(get_wsgi_application()), set()
        credentials = {"Authorization": f"Api-Key {api_key(*Scope)}"}

        def check(case: Case[Any]) -> None:
            response = case.call(app=application, headers=credentials)
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        for mode, known in self._rounds(
            {
                "path_parameters": self._taken(path, "path"),
                "headers": self._taken(headers or {}, "header"),
            }
        ):
            WITHIN(given(self.operation.as_strategy(generation_mode=mode, **known))(check))()  # type: ignore[no-untyped-call]
        assert statuses & set(reaching), f"{self} answered only {sorted(statuses)}"

    def _rounds(self, known: dict[str, Any]) -> Iterator[tuple[GenerationMode, dict[str, Any]]]:
        yield GenerationMode.POSITIVE, {}
        yield GenerationMode.NEGATIVE, {}
        yield GenerationMode.POSITIVE, known
        if self.operation.body or self.operation.query:  # else nothing is left that could be wrong
            yield GenerationMode.NEGATIVE, known

    def _taken(self, values: Mapping[str, str], place: str) -> dict[str, str]:
        named = {
            (parameter["in"], parameter["name"])
            for parameter in self.operation.definition.raw.get("parameters", [])
        }
        return {name: value for name, value in values.items() if (place, name) in named}


def _in_this_transaction(application: WSGIHandler) -> Callable[..., Any]:
    """As Django's test client does: no request closes the connection, and with it the test's
    transaction."""

    def answer(environ: Any, start_response: Any) -> Any:
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            with closing(application(environ, start_response)) as response:
                return [b"".join(response)]
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)

    return answer


def every_operation() -> list[Operation]:
    """What the document of the service under test names. Needs no database."""
    document = OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True))
    results: list[Any] = list(
        schemathesis.openapi.from_dict(json.loads(document)).get_all_operations()
    )
    return [Operation(result.ok()) for result in results]
