"""How a start tells what it is doing; by default it does not."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    def step(self, title: str) -> AbstractContextManager[None]:
        """Around one step; it may be entered from several threads at the same time."""


class Silent:
    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        yield
