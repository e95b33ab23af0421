"""The event: CloudEvents 1.0 in structured JSON, carrying the whole public state of its aggregate
at one version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from polder.contracts import clock
from polder.contracts.correlation import correlation_of
from polder.contracts.types import Key, Text, Timestamp, Version

CONTENT_TYPE = "application/cloudevents+json"
# bytes on the wire; `publish()` refuses more, well below the broker's own limit
LARGEST_EVENT = 256 * 1024


class Value(BaseModel):
    """Part of a public state. Frozen; encoding takes exactly the declared fields, decoding passes
    over unknown ones."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )


class State(Value):
    """The whole public state of one aggregate. A text under a field says what it means; the
    schemas and the catalogue of events tell it to whoever subscribes."""

    retired: bool = False
    """The tombstone: owners never delete. What is retired may come back, with a higher version."""

    @property
    def subject(self) -> str:
        """The aggregate's id, spelled as its owner spells it."""
        raise TypeError(f"{type(self).__name__} names no subject")


class Publishable(Protocol):
    """What `Event.of` needs of an aggregate."""

    @property
    def subject(self) -> str: ...
    @property
    def version(self) -> int: ...
    def public_state(self) -> State: ...


class Event(BaseModel):
    """Base of all events. A subclass of an aggregate's base class is one event type, and says it in
    three lines."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    service: ClassVar[str]  # who publishes it
    aggregate: ClassVar[str]  # what it is about
    # the status that it announces, if its aggregate has a state machine
    status: ClassVar[str | None] = None
    schema_version: ClassVar[int] = 1  # of `data`
    # what the example of this type has in `data` besides what its fields declare
    example: ClassVar[Mapping[str, Any]] = {}
    known: ClassVar[dict[tuple[str, str], type[Event]]] = {}  # by service and type name
    # two classes of one service and name: a system check reports them
    clashes: ClassVar[list[tuple[type[Event], type[Event]]]] = []

    specversion: Literal["1.0"] = "1.0"
    id: UUID  # no default: a message without its own would be a new event each time it is read
    """A UUIDv7, the same however often the event comes."""
    source: Text
    """The service that publishes it."""
    type: Text
    subject: Key
    """The aggregate's id, as `data` has it."""
    time: Timestamp
    """When it happened, in UTC."""
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Text
    """Names the version of `data`."""
    aggregatetype: Text
    aggregateversion: Version
    """Counted up by one with every change of the aggregate: what is not newer is passed over."""
    correlationid: UUID
    """Names the request that began it all."""
    causationid: UUID | None = None
    """The event that this one answers."""
    traceparent: Text | None = None
    """W3C Trace Context."""
    data: State
    """The whole public state of the aggregate at this version."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        # an aggregate's base class names its service; its events inherit it
        if "service" in cls.__dict__:
            return
        other = Event.known.setdefault((cls.service, cls.__name__), cls)
        if other is not cls:
            Event.clashes.append((other, cls))

    @model_validator(mode="after")
    def _agrees_with_its_data(self) -> Self:
        # One aggregate under two spellings of its id would be two to the merge.
        if self.subject != self.data.subject:
            raise ValueError(f"subject is {self.subject!r}, data is about {self.data.subject!r}")
        if self.status is not None:
            said = getattr(self.data, "status", None)
            if said != self.status:
                kind = type(self).__name__
                raise ValueError(f"{kind} announces {self.status!r}, data says {said!r}")
        return self

    @classmethod
    def of(cls, aggregate: Publishable, *, caused_by: str = "") -> Self:
        """The event that says what `aggregate` has become, at its present version, caused by
        whatever is under way.

        When that is something that happened to another subject (the order that took from this
        stock), `caused_by` names it. Raises pydantic.ValidationError when the state does not keep
        to the contract.
        """
        correlation = correlation_of(caused_by or aggregate.subject)
        return cls(
            id=clock.new_id(),
            source=f"/{cls.service}",
            type=cls.__name__,
            subject=aggregate.subject,
            time=clock.now(),
            dataschema=cls.schema_name(cls.schema_version),
            aggregatetype=cls.aggregate,
            aggregateversion=aggregate.version,
            correlationid=correlation.correlation_id,
            causationid=correlation.causation_id,
            traceparent=correlation.traceparent,
            data=aggregate.public_state(),
        )

    @classmethod
    def schema_name(cls, version: int) -> str:
        """`order/OrderCreated/1`: names one version of `data`."""
        return f"{cls.service}/{cls.__name__}/{version}"

    def encode(self) -> str:
        """The message body: one line of JSON."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


def events_of(contract: type[Event]) -> list[type[Event]]:
    """The event types of the aggregate whose base class this is, in the order of their
    definition.
    """
    return [kind for kind in Event.known.values() if issubclass(kind, contract)]
