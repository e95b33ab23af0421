from django.db import migrations, models
from django.db.models.functions import Now

NOTE_OWED = """
INSERT INTO inventory_owed (order_id)
SELECT key FROM replica_order WHERE NOT EXISTS (SELECT FROM inventory_reservation WHERE order_id = key)
AND (status IN ('shipped', 'delivered')
     OR EXISTS (SELECT FROM replica_shipment gone WHERE gone.key = replica_order.key AND gone.status IN ('dispatched', 'delivered')))
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    """What has left without a reservation, and there is too little of, is noted: the net would not find it any more."""

    dependencies = [("inventory", "0005_replica_event_id")]
    operations = [
        migrations.CreateModel(
            name="Owed",
            fields=[
                ("order_id", models.UUIDField(primary_key=True, serialize=False)),
                ("since", models.DateTimeField(db_default=Now())),
            ],
            options={"db_table": "inventory_owed"},
        ),
        migrations.RunSQL(NOTE_OWED, migrations.RunSQL.noop),
        migrations.RunSQL("ANALYZE inventory_owed", migrations.RunSQL.noop),  # so that nobody expects much of it
    ]
