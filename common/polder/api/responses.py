"""Bodies of answers: what documents one is what builds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import BaseModel
from rest_framework import serializers


class ResponseSerializer(serializers.BaseSerializer[Any]):
    """A serializer of what a handler answers with, for `documented`.

        class OrderSerializer(ResponseSerializer):
            shape = OrderOut

            def build(self, order: Order) -> OrderOut:
                return OrderOut(**dict(order.public_state()), version=order.version)

    `shape`, a pydantic model with camelCase aliases, is what the OpenAPI document shows. The body
    is what `build` makes of it, so that no answer is other than its documentation.
    """

    shape: ClassVar[type[BaseModel]]

    def prepare(self, instances: Sequence[Any]) -> None:
        """Reads at once what `build` needs beside the instances: one, or all of a page."""

    def build(self, instance: Any) -> BaseModel:
        """Raises pydantic.ValidationError for what does not keep to the shape."""
        raise NotImplementedError

    def to_representation(self, instance: Any) -> Any:
        if self.root is self:
            self.prepare([instance])
        return self.build(instance).model_dump(mode="json", by_alias=True)

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> ListOfResponses:
        kwargs["child"] = cls()
        return ListOfResponses(*args, **kwargs)


class ListOfResponses(serializers.ListSerializer[Any]):
    """A page."""

    child: ResponseSerializer

    def to_representation(self, data: Any) -> list[Any]:
        instances = list(data)
        self.child.prepare(instances)
        return [self.child.to_representation(instance) for instance in instances]
