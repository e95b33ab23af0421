"""The OpenAPI document: served without a key and without any other server, and what it adds to what
views say of themselves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from pydantic import ValidationError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from polder.api.body import Body
from polder.api.documented import documented
from polder.api.idempotency import idempotent
from polder.api.openapi import _digits_of
from polder.api.responses import ResponseSerializer
from polder.api.view import ApiView
from polder.contracts.event import Value


class ThingOut(Value):
    thing_id: str
    note: str = ""
    version: int


class ThingSerializer(ResponseSerializer):
    shape = ThingOut


class PartIn(Body):
    """A part of it."""

    price = serializers.DecimalField(max_digits=4, decimal_places=2, min_value=0)


class ThingIn(Body):
    note = serializers.CharField(max_length=3)
    parts = PartIn(many=True, allow_empty=False, max_length=5)  # type: ignore[call-arg]


class Thing(APIView):
    @documented(ThingSerializer)
    def get(self, request: Request, thing_id: str) -> Response:
        """One thing. At length."""
        raise NotImplementedError

    @documented(ThingSerializer, request=ThingIn, status=202, problems=["stock-limit"])
    @idempotent
    def post(self, request: Request, thing_id: str) -> Response:
        """Makes it."""
        raise NotImplementedError

    @documented(ThingSerializer, request=ThingIn)
    def patch(self, request: Request, thing_id: str) -> Response:
        """Changes it."""
        raise NotImplementedError


class Other(ApiView):
    authentication_classes = permission_classes = throttle_classes = ()

    @documented(ThingSerializer)
    def get(self, request: Request) -> Response:
        """Something else."""
        return Response({"thing": 1})


def test_a_success_that_is_not_documented_is_refused() -> None:
    with pytest.raises(TypeError, match="does not document"):
        Other.as_view()(APIRequestFactory().get("/"))


def test_a_body_that_does_not_keep_to_its_shape_is_not_built() -> None:
    class Wrong(ThingSerializer):
        def build(self, thing: dict[str, Any]) -> ThingOut:
            return ThingOut(**thing)

    assert Wrong({"thing_id": "a", "version": 1}).data == {
        "thingId": "a",
        "note": "",
        "version": 1,
    }
    with pytest.raises(ValidationError):
        Wrong({"thing_id": "a", "version": "many"}).data  # noqa: B018  (it is built when asked for)


@pytest.fixture
def paths() -> dict[str, Any]:
    from django.urls import path

    patterns = [path("api/things/<str:thing_id>/", Thing.as_view())]
    with GENERATOR_STATS.silence():
        document = SchemaGenerator(patterns=patterns).get_schema(public=True)
    found: dict[str, Any] = document["paths"]["/api/things/{thing_id}/"]
    return found | {"components": document["components"]["schemas"]}


def headers(operation: dict[str, Any]) -> list[str]:
    return [
        parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"
    ]


def test_a_reading_view(paths: dict[str, Any]) -> None:
    get = paths["get"]

    assert (get["summary"], headers(get)) == ("One thing", [])
    assert list(get["responses"]) == [
        "200",
        "304",
        "400",
        "401",
        "403",
        "404",
        "406",
        "412",
        "429",
        "503",
    ]
    assert list(get["responses"]["200"]["headers"]) == ["ETag"]
    assert list(get["responses"]["304"]["headers"]) == ["ETag"]


def test_an_idempotent_one(paths: dict[str, Any]) -> None:
    post = paths["post"]

    assert headers(post) == ["Idempotency-Key"]
    assert list(post["responses"]) == [
        "202",
        "400",
        "401",
        "403",
        "404",
        "406",
        "409",
        "413",
        "415",
        "422",
        "429",
        "503",
    ]
    assert set(post["responses"]["202"]["headers"]) == {"Location", "Idempotent-Replayed"}
    assert "stock-limit" in post["responses"]["422"]["description"]
    for status in ("409", "429", "503"):
        assert list(post["responses"][status]["headers"]) == ["Retry-After"]


def test_a_change_by_version(paths: dict[str, Any]) -> None:
    patch = paths["patch"]

    assert headers(patch) == ["If-Match"]
    assert {"400", "412", "428"} <= set(patch["responses"])
    assert list(patch["responses"]["200"]["headers"]) == ["ETag"]


def test_every_problem_is_of_one_shape(paths: dict[str, Any]) -> None:
    problems = [
        answer
        for method in ("get", "post", "patch")
        for code, answer in paths[method]["responses"].items()
        if code >= "400"
    ]

    assert all(
        answer["content"]["application/problem+json"]["schema"]
        == {"$ref": "#/components/schemas/Problem"}
        for answer in problems
    )


def test_answers_have_all_their_members_and_no_others(paths: dict[str, Any]) -> None:
    shape = paths["components"]["ThingOut"]

    assert shape["required"] == ["thingId", "note", "version"]
    assert shape["additionalProperties"] is False
    assert paths["components"]["ThingIn"]["properties"]["note"] == {
        "type": "string",
        "maxLength": 3,
        "minLength": 1,
    }


def test_a_body_is_bounded_as_it_is_read(paths: dict[str, Any]) -> None:
    thing, part = paths["components"]["ThingIn"], paths["components"]["PartIn"]
    parts, price = thing["properties"]["parts"], part["properties"]["price"]

    assert (parts["minItems"], parts["maxItems"]) == (1, 5)
    for digits, fits in (("1", True), ("12.34", True), ("", False), ("-1", False), ("1.", False)):
        assert bool(re.fullmatch(price["pattern"], digits)) is fits, digits
    for field, digits in (
        (serializers.DecimalField(max_digits=2, decimal_places=2), "0.25"),
        (serializers.DecimalField(max_digits=2, decimal_places=0), "25"),
    ):
        assert re.fullmatch(_digits_of(field), digits), digits
    assert (thing.get("description"), part["description"]) == (None, "A part of it.")


def test_a_page_is_bounded_as_it_is_read(client: Client) -> None:
    orders = client.get("/api/schema/?format=json").json()["paths"]["/api/orders/"]["get"]

    [limit] = [one["schema"] for one in orders["parameters"] if one["name"] == "limit"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def test_an_unknown_kind_of_problem_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        documented(ThingSerializer, problems=["no-such"])


def test_the_document_and_its_page_need_no_key(client: Client) -> None:
    assert client.get("/api/schema/?format=json").json()["openapi"].startswith("3.1")
    assert client.get("/api/docs/").status_code == 200


@pytest.mark.parametrize("query", ["version=%0aX", "version=2", "lang=nl"])
def test_the_document_has_one_version(client: Client, query: str) -> None:
    assert client.get(f"/api/schema/?{query}").content == client.get("/api/schema/").content


def test_the_document_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = ("application/json", "application/vnd.oai.openapi", "application/yaml")
    for accept in accepted:
        assert client.get("/api/schema/", headers={"Accept": accept})["Content-Type"] == accept

    monkeypatch.setattr(SchemaGenerator, "get_schema", None)

    for accept in accepted:
        assert client.get("/api/schema/", headers={"Accept": accept}).status_code == 200


def test_the_page_takes_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()

    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 3
    assert sources.pop() == "/api/docs/?script="  # its own, the last
    for source in sources:
        assert source.startswith("/static/drf_spectacular_sidecar/")
        assert finders.find(source.removeprefix("/static/"))
