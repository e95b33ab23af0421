"""A replica of more columns than a function of PostgreSQL takes arguments."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from polder.replication import replica
from polder.replication.models import Drift
from polder.replication.replica import Replica, replications
from polder.resync import runs
from polder.testing import deliver
from tests.library.resync.wire import PRODUCT, Wire, state
from tests.makers import product_event

COLUMNS = [f"c{number}" for number in range(120)]


@pytest.fixture
def wide(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> type[Replica]:
    with isolate_apps("order_service"):
        meta = type("Meta", (), {"app_label": "order_service", "db_table": "wide"})
        fields: dict[str, Any] = {column: models.CharField(max_length=500) for column in COLUMNS}
        model = type("Wide", (Replica,), {"__module__": __name__, "Meta": meta, **fields})
    model.replica_of, model.paths = PRODUCT, dict.fromkeys(COLUMNS, "name")
    with connection.schema_editor() as editor:
        editor.create_model(model)
    monkeypatch.setitem(replications, PRODUCT, replica._replication(model))
    return model


def test_it_is_filled_audited_and_made_good(wire: Wire, wide: type[Replica]) -> None:
    deliver(product_event(name="a"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE wide SET c7 = 'edited'")
    wire.owns(product_event(name="a"), product_event(product_id="p2", name="b"))

    runs.begin(PRODUCT, "asked for")
    end = wire.run()

    assert (end.rows_changed, end.rows_drifted) == (2, 1)
    before = Drift.objects.get().before or {}
    assert before["c7"] == "edited"
    assert set(before) == {"version", "retired", *COLUMNS}
    names = {row.pk: getattr(row, "c7", "") for row in wide._default_manager.all()}
    assert names == {"p1": "a", "p2": "b"}

    runs.audit(PRODUCT, "asked for", deep=True)
    assert (state().state, state().compared_by) == ("auditing", "rows")
