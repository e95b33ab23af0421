"""The bugs that `make mutation` plants still fit the code."""

from __future__ import annotations

import pytest

from deploy.local.stack import ROOT
from tests.chaos.faults.versions import VERSION_1
from tests.chaos.mutation.bugs import BUGS
from tests.chaos.mutation.edited_copy import Edit

EDITS = [(bug.name, edit) for bug in BUGS for edit in bug.edits]
EDITS += [("version 1", edit) for edit in VERSION_1]


@pytest.mark.parametrize(("name", "edit"), EDITS, ids=[name for name, _ in EDITS])
def test_what_is_edited_is_once_in_the_file(name: str, edit: Edit) -> None:
    assert (ROOT / edit.file).read_text().count(edit.old) == 1, edit.old
