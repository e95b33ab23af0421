"""The bugs that `make seeded` plants still fit the code."""

from __future__ import annotations

import pytest

from deploy.local.stack import ROOT
from tests.edited_copy import Edit
from tests.faults.versions import VERSION_2
from tests.seeded.bugs import BUGS

EDITS = [(bug.name, edit) for bug in BUGS for edit in bug.edits]
EDITS += [("version 2", edit) for edit in VERSION_2]


@pytest.mark.parametrize(("name", "edit"), EDITS, ids=[name for name, _ in EDITS])
def test_what_is_edited_is_once_in_the_file(name: str, edit: Edit) -> None:
    assert (ROOT / edit.file).read_text().count(edit.old) == 1, edit.old
