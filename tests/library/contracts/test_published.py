"""The contracts as files in `schemas/`: they say what the code says, and every version that was
ever published is still read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import validator_for

from deploy.local.services import SERVICES
from polder.contracts.decode import decode
from polder.contracts.event import Event
from polder.contracts.exporting import kinds_of
from polder.contracts.json_schema import DIALECT
from polder.contracts.published import Version, in_folder
from tests.makers import order_event, product_event, reservation_event, shipment_event, stock_event

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = in_folder(ROOT / "schemas")
EVERY = sorted(PUBLISHED.schemas)


def shown(version: Version) -> str:
    return version.name


def problems(schema: Any, value: Any) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_every_event_has_its_versions_from_the_first_on() -> None:
    for service in SERVICES:
        for version in kinds_of(service):
            if not version.event.startswith("Test"):
                every = {version._replace(number=one) for one in range(1, version.number + 1)}
                assert every <= PUBLISHED.schemas.keys() & PUBLISHED.examples.keys()


@pytest.mark.parametrize("version", EVERY, ids=shown)
def test_a_schema_is_one_and_its_example_fits(version: Version) -> None:
    schema = PUBLISHED.schemas[version]
    assert schema["$schema"] == DIALECT
    Draft202012Validator.check_schema(schema)

    assert problems(schema, PUBLISHED.examples[version]) == []


@pytest.mark.parametrize("version", EVERY, ids=shown)
def test_every_version_ever_published_is_read(version: Version) -> None:
    event = decode(json.dumps(PUBLISHED.examples[version]).encode())

    assert type(event) is Event.known[version.service, version.event]
    assert event.subject == PUBLISHED.examples[version]["subject"]
    # and as a whole: what is written again has the newest schema
    newest = version._replace(number=event.schema_version)
    again = json.loads(event.encode()) | {"dataschema": newest.name}
    assert problems(PUBLISHED.schemas[newest], again) == []


@pytest.mark.parametrize(
    "event",
    [
        order_event(products={"p1": 2, "p2": 1}),
        product_event(),
        stock_event(),
        reservation_event(),
        shipment_event(),
    ],
    ids=lambda event: event.type,
)
def test_what_is_written_fits_its_schema(event: Event) -> None:
    version = Version(event.service, event.type, event.schema_version)
    wire = json.loads(event.encode())
    assert problems(PUBLISHED.schemas[version], wire) == []

    # and a schema is not one that takes everything
    assert problems(PUBLISHED.schemas[version], wire | {"data": {}})
    assert problems(PUBLISHED.schemas[version], wire | {"aggregateversion": 0})


class TestAsyncAPI:
    document: Any = yaml.safe_load(PUBLISHED.asyncapi)

    def test_it_is_one(self) -> None:
        """By the official JSON Schema of AsyncAPI 3.0, from the npm package @asyncapi/specs."""
        official = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text())
        validator = validator_for(official)(official)

        assert [error.message for error in validator.iter_errors(self.document)] == []
        assert [*validator.iter_errors({**self.document, "channels": {"x": {"messages": 5}}})]

    def test_its_references_lead_somewhere(self) -> None:
        for message in self.document["components"]["messages"].values():
            schema = ROOT / "schemas" / message["payload"]["schema"]["$ref"]
            assert json.loads(schema.read_text())["title"] == message["name"]
        for operation in self.document["operations"].values():
            channel = operation["channel"]["$ref"].removeprefix("#/channels/")
            assert channel in self.document["channels"]

    def test_it_says_who_reads_what(self) -> None:
        receives = self.document["operations"]["shipping.receives.inventory"]

        assert receives["x-reads"]["inventory.product"] == ["name", "weightGrams"]
        assert "shipping.from.inventory" in receives["description"]
