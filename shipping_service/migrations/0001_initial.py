import common.contracts.orders
import common.contracts.shipping
import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Product',
            fields=[
                ('key', models.CharField(db_collation='C', max_length=64, primary_key=True, serialize=False)),
                ('version', models.BigIntegerField(help_text="The owner's version that this row shows.")),
                ('content_hash', models.CharField(help_text='Of the fields kept here, as the event had them.', max_length=32)),
                ('retired_at', models.DateTimeField(help_text='Tombstone: when the owner retired it.', null=True)),
                ('synced_at', models.DateTimeField(help_text='When this version arrived.')),
                ('event_id', models.UUIDField(help_text='The event that made this version; empty for a row older than this column.', null=True)),
                ('name', models.CharField(max_length=500)),
                ('weight_grams', models.IntegerField(null=True)),
            ],
            options={
                'db_table': 'replica_product',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('version', models.BigIntegerField(help_text="The owner's version that this row shows.")),
                ('content_hash', models.CharField(help_text='Of the fields kept here, as the event had them.', max_length=32)),
                ('retired_at', models.DateTimeField(help_text='Tombstone: when the owner retired it.', null=True)),
                ('synced_at', models.DateTimeField(help_text='When this version arrived.')),
                ('event_id', models.UUIDField(help_text='The event that made this version; empty for a row older than this column.', null=True)),
                ('key', models.UUIDField(help_text="The order's id.", primary_key=True, serialize=False)),
                ('status', models.CharField(max_length=12)),
            ],
            options={
                'db_table': 'replica_reservation',
                'ordering': ['-key'],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('version', models.BigIntegerField(help_text="The owner's version that this row shows.")),
                ('content_hash', models.CharField(help_text='Of the fields kept here, as the event had them.', max_length=32)),
                ('retired_at', models.DateTimeField(help_text='Tombstone: when the owner retired it.', null=True)),
                ('synced_at', models.DateTimeField(help_text='When this version arrived.')),
                ('event_id', models.UUIDField(help_text='The event that made this version; empty for a row older than this column.', null=True)),
                ('key', models.UUIDField(primary_key=True, serialize=False)),
                ('status', models.CharField(max_length=12)),
                ('products', models.JSONField(help_text='productId, quantity and price of each line.')),
                ('shipping_address', models.JSONField()),
            ],
            options={
                'db_table': 'replica_order',
                'ordering': ['-key'],
                'indexes': [models.Index(condition=models.Q(('status__in', [common.contracts.orders.OrderStatus['PENDING'], common.contracts.orders.OrderStatus['CONFIRMED'], common.contracts.orders.OrderStatus['CANCELLING'], common.contracts.orders.OrderStatus['SHIPPED']])), fields=['key'], name='replica_order_under_way'), models.Index(condition=models.Q(('status__in', [common.contracts.orders.OrderStatus['CANCELLED'], common.contracts.orders.OrderStatus['REJECTED'], common.contracts.orders.OrderStatus['DELIVERED']])), fields=['synced_at'], name='replica_order_over')],
            },
        ),
        migrations.CreateModel(
            name='Shipment',
            fields=[
                ('version', models.BigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('order_id', models.UUIDField(primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[(common.contracts.shipping.ShipmentStatus['PREPARED'], common.contracts.shipping.ShipmentStatus['PREPARED']), (common.contracts.shipping.ShipmentStatus['READY'], common.contracts.shipping.ShipmentStatus['READY']), (common.contracts.shipping.ShipmentStatus['DISPATCHED'], common.contracts.shipping.ShipmentStatus['DISPATCHED']), (common.contracts.shipping.ShipmentStatus['DELIVERED'], common.contracts.shipping.ShipmentStatus['DELIVERED']), (common.contracts.shipping.ShipmentStatus['CANCELLED'], common.contracts.shipping.ShipmentStatus['CANCELLED'])], max_length=12)),
                ('line1', models.CharField(max_length=500)),
                ('postal_code', models.CharField(max_length=500)),
                ('city', models.CharField(max_length=500)),
                ('country', models.CharField(max_length=500)),
                ('packages', models.JSONField(help_text='productId, quantity, parcels and weightGrams of each product.')),
                ('weight_grams', models.PositiveIntegerField(help_text='Of everything; empty while the weight of a product is not known.', null=True)),
                ('unweighed', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), default=list, help_text='The products whose weight is not known.', size=None)),
                ('carrier', models.CharField(default='', max_length=100)),
                ('tracking_number', models.CharField(default='', max_length=100)),
            ],
            options={
                'ordering': ['-order_id'],
                'permissions': [('dispatch_shipment', 'Can dispatch shipments'), ('deliver_shipment', 'Can note deliveries')],
                'indexes': [models.Index(fields=['status', 'order_id'], name='shipment_by_status'), models.Index(condition=models.Q(('tracking_number', ''), _negated=True), fields=['tracking_number'], name='shipment_by_tracking_number'), models.Index(condition=models.Q(('status', 'prepared'), models.Q(('unweighed', []), _negated=True)), fields=['order_id'], name='shipment_awaiting_weight')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', [common.contracts.shipping.ShipmentStatus['CANCELLED'], common.contracts.shipping.ShipmentStatus['DELIVERED'], common.contracts.shipping.ShipmentStatus['DISPATCHED'], common.contracts.shipping.ShipmentStatus['PREPARED'], common.contracts.shipping.ShipmentStatus['READY']])), name='shipment_status')],
            },
        ),
    ]
