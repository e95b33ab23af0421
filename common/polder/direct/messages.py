"""A message to one other service, as it goes over the wire: JSON whose `kind` says what it is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CONTENT_TYPE = "application/json"
Name = Annotated[str, Field(pattern="^[a-z]{1,30}$")]


class Message(BaseModel):
    """Base of all. A subclass defines `kind` as a literal with itself as the default."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str

    def encode(self) -> bytes:
        """The message body."""
        return self.model_dump_json().encode()
