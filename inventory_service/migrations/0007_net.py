from django.db import migrations, models

from common.online_index import AddIndexOnline


class Migration(migrations.Migration):
    """The net looks at what is under way, and not at all orders that ever were."""

    atomic = False
    dependencies = [("inventory", "0006_owed")]
    operations = [
        AddIndexOnline(
            model_name="order",
            index=models.Index(fields=["key"], name="replica_order_wanting", condition=models.Q(status__in=["pending", "confirmed"])),
        ),
        AddIndexOnline(
            model_name="order",
            index=models.Index(fields=["synced_at"], name="replica_order_left", condition=models.Q(status__in=["shipped", "delivered"])),
        ),
        AddIndexOnline(
            model_name="shipment",
            index=models.Index(fields=["synced_at"], name="replica_shipment_gone", condition=models.Q(status__in=["dispatched", "delivered"])),
        ),
    ]
