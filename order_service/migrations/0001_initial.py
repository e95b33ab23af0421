import common.contracts.orders
import uuid_utils.compat
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
                ('price', models.DecimalField(decimal_places=2, max_digits=12)),
                ('currency', models.CharField(max_length=3)),
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
                ('shortages', models.JSONField(default=list)),
            ],
            options={
                'db_table': 'replica_reservation',
                'ordering': ['-key'],
            },
        ),
        migrations.CreateModel(
            name='Shipment',
            fields=[
                ('version', models.BigIntegerField(help_text="The owner's version that this row shows.")),
                ('content_hash', models.CharField(help_text='Of the fields kept here, as the event had them.', max_length=32)),
                ('retired_at', models.DateTimeField(help_text='Tombstone: when the owner retired it.', null=True)),
                ('synced_at', models.DateTimeField(help_text='When this version arrived.')),
                ('event_id', models.UUIDField(help_text='The event that made this version; empty for a row older than this column.', null=True)),
                ('key', models.UUIDField(help_text="The order's id.", primary_key=True, serialize=False)),
                ('status', models.CharField(max_length=12)),
                ('carrier', models.CharField(max_length=500)),
                ('tracking_number', models.CharField(max_length=500)),
            ],
            options={
                'db_table': 'replica_shipment',
                'ordering': ['-key'],
            },
        ),
        migrations.CreateModel(
            name='Stock',
            fields=[
                ('key', models.CharField(db_collation='C', max_length=64, primary_key=True, serialize=False)),
                ('version', models.BigIntegerField(help_text="The owner's version that this row shows.")),
                ('content_hash', models.CharField(help_text='Of the fields kept here, as the event had them.', max_length=32)),
                ('retired_at', models.DateTimeField(help_text='Tombstone: when the owner retired it.', null=True)),
                ('synced_at', models.DateTimeField(help_text='When this version arrived.')),
                ('event_id', models.UUIDField(help_text='The event that made this version; empty for a row older than this column.', null=True)),
                ('on_hand', models.IntegerField()),
                ('reserved', models.IntegerField()),
                ('available', models.IntegerField()),
            ],
            options={
                'verbose_name_plural': 'stock',
                'db_table': 'replica_stock',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('version', models.BigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[(common.contracts.orders.OrderStatus['PENDING'], common.contracts.orders.OrderStatus['PENDING']), (common.contracts.orders.OrderStatus['CONFIRMED'], common.contracts.orders.OrderStatus['CONFIRMED']), (common.contracts.orders.OrderStatus['REJECTED'], common.contracts.orders.OrderStatus['REJECTED']), (common.contracts.orders.OrderStatus['CANCELLING'], common.contracts.orders.OrderStatus['CANCELLING']), (common.contracts.orders.OrderStatus['CANCELLED'], common.contracts.orders.OrderStatus['CANCELLED']), (common.contracts.orders.OrderStatus['SHIPPED'], common.contracts.orders.OrderStatus['SHIPPED']), (common.contracts.orders.OrderStatus['DELIVERED'], common.contracts.orders.OrderStatus['DELIVERED'])], default=common.contracts.orders.OrderStatus['PENDING'], max_length=12)),
                ('customer_name', models.CharField(max_length=200)),
                ('customer_email', models.EmailField(max_length=254)),
                ('line1', models.CharField(max_length=200)),
                ('postal_code', models.CharField(max_length=20)),
                ('city', models.CharField(max_length=100)),
                ('country', models.CharField(help_text='ISO 3166-1 alpha-2', max_length=2)),
                ('lines', models.JSONField(help_text='productId, quantity and price of each line, as in the events.')),
                ('flagged_at', models.DateTimeField(editable=False, help_text='When it had been undecided for too long. Of no concern to others.', null=True)),
            ],
            options={
                'db_table': 'orders',
                'ordering': ['-id'],
                'permissions': [('cancel_order', 'Can cancel orders'), ('place_order', 'Can place orders on the board')],
                'indexes': [models.Index(condition=models.Q(('status__in', [common.contracts.orders.OrderStatus['PENDING'], common.contracts.orders.OrderStatus['CANCELLING']])), fields=['id'], name='order_undecided'), models.Index(fields=['status', 'id'], name='order_by_status'), models.Index(fields=['customer_email', 'id'], name='order_by_customer'), models.Index(condition=models.Q(('flagged_at__isnull', False)), fields=['id'], name='order_flagged')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', [common.contracts.orders.OrderStatus['CANCELLED'], common.contracts.orders.OrderStatus['CANCELLING'], common.contracts.orders.OrderStatus['CONFIRMED'], common.contracts.orders.OrderStatus['DELIVERED'], common.contracts.orders.OrderStatus['PENDING'], common.contracts.orders.OrderStatus['REJECTED'], common.contracts.orders.OrderStatus['SHIPPED']])), name='order_status')],
            },
        ),
    ]
