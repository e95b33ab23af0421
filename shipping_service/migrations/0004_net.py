from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from common.online_index import AddIndexOnline


class Migration(migrations.Migration):
    """The net looks at what is under way, and not at all orders that ever were."""

    atomic = False
    dependencies = [("shipping", "0003_replica_event_id")]
    operations = [
        AddIndexOnline(
            model_name="order",
            index=models.Index(
                fields=["key"],
                name="replica_order_under_way",
                condition=models.Q(status__in=["pending", "confirmed", "cancelling", "shipped"]),
            ),
        ),
        AddIndexOnline(
            model_name="order",
            index=models.Index(fields=["synced_at"], name="replica_order_over", condition=models.Q(status__in=["cancelled", "rejected", "delivered"])),
        ),
        AddIndexOnline(
            model_name="shipment",
            index=models.Index(
                fields=["order_id"],
                name="shipment_awaiting_weight",
                condition=models.Q(status="prepared") & ~models.Q(unweighed=[]),
            ),
        ),
        RemoveIndexConcurrently(model_name="shipment", name="shipment_unweighed"),
    ]
