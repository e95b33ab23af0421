"""What is wrong with a machine before `make up` begins: it says what, and the repeat works. Played
on copies of this machine; `make chaos kind=startup` plays the longer cases."""

from __future__ import annotations

import pytest

from tests.chaos.startup.case import Case
from tests.chaos.startup.machine import possible
from tests.chaos.startup.run import cases

SHORT = [case for case in cases() if case.short]


@pytest.fixture(scope="module", autouse=True)
def _on_a_copy_of_this_machine() -> None:
    if why_not := possible():
        pytest.skip(f"no copy of this machine can be made: {why_not}")


@pytest.mark.parametrize("case", SHORT, ids=[case.name for case in SHORT])
def test_it_says_so_and_the_repeat_works(case: Case) -> None:
    case.play()
