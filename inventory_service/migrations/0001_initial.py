import common.contracts.inventory
import common.contracts.orders
import common.contracts.shipping
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Owed',
            fields=[
                ('order_id', models.UUIDField(primary_key=True, serialize=False)),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'inventory_owed',
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('version', models.BigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('product_id', models.CharField(db_collation='C', max_length=64, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('price', models.DecimalField(decimal_places=2, max_digits=12)),
                ('currency', models.CharField(max_length=3)),
                ('weight_grams', models.PositiveIntegerField(blank=True, null=True)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['product_id'],
                'permissions': [('retire_product', 'Can retire products')],
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
                ('products', models.JSONField(default=list, help_text='productId, quantity and price of each line.')),
            ],
            options={
                'db_table': 'replica_order',
                'ordering': ['-key'],
                'indexes': [models.Index(condition=models.Q(('status__in', [common.contracts.orders.OrderStatus['PENDING'], common.contracts.orders.OrderStatus['CONFIRMED']])), fields=['key'], name='replica_order_wanting'), models.Index(condition=models.Q(('status__in', [common.contracts.orders.OrderStatus['SHIPPED'], common.contracts.orders.OrderStatus['DELIVERED']])), fields=['synced_at'], name='replica_order_left')],
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('version', models.BigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('order_id', models.UUIDField(primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[(common.contracts.inventory.ReservationStatus['HELD'], common.contracts.inventory.ReservationStatus['HELD']), (common.contracts.inventory.ReservationStatus['REJECTED'], common.contracts.inventory.ReservationStatus['REJECTED']), (common.contracts.inventory.ReservationStatus['CONSUMED'], common.contracts.inventory.ReservationStatus['CONSUMED']), (common.contracts.inventory.ReservationStatus['RELEASED'], common.contracts.inventory.ReservationStatus['RELEASED'])], max_length=12)),
                ('lines', models.JSONField(help_text='productId and quantity of each line.')),
                ('shortages', models.JSONField(default=list)),
            ],
            options={
                'ordering': ['-order_id'],
                'indexes': [models.Index(fields=['status', 'order_id'], name='reservation_by_status')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', [common.contracts.inventory.ReservationStatus['CONSUMED'], common.contracts.inventory.ReservationStatus['HELD'], common.contracts.inventory.ReservationStatus['REJECTED'], common.contracts.inventory.ReservationStatus['RELEASED']])), name='reservation_status')],
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
            ],
            options={
                'db_table': 'replica_shipment',
                'ordering': ['-key'],
                'indexes': [models.Index(condition=models.Q(('status__in', [common.contracts.shipping.ShipmentStatus['DISPATCHED'], common.contracts.shipping.ShipmentStatus['DELIVERED']])), fields=['synced_at'], name='replica_shipment_gone')],
            },
        ),
        migrations.CreateModel(
            name='Stock',
            fields=[
                ('version', models.BigIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('product', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='inventory.product')),
                ('on_hand', models.PositiveIntegerField(default=0)),
                ('reserved', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'stock',
                'ordering': ['product_id'],
                'permissions': [('receive_stock', 'Can receive stock'), ('adjust_stock', 'Can adjust stock')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reserved__lte', models.F('on_hand'))), name='stock_not_oversold')],
            },
        ),
        migrations.CreateModel(
            name='Movement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('receive', 'received'), ('adjust', 'adjusted'), ('reserve', 'reserved'), ('release', 'released'), ('consume', 'consumed')], max_length=10)),
                ('on_hand', models.IntegerField(default=0, help_text='Change of what is on hand.')),
                ('reserved', models.IntegerField(default=0, help_text='Change of what is reserved.')),
                ('cause', models.UUIDField(help_text='The order, the receipt or the adjustment that moved it.')),
                ('reason', models.CharField(default='', help_text='Why somebody adjusted it.', max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='inventory.product')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['product', 'id'], name='movement_of_product'), models.Index(condition=models.Q(('kind__in', ['receive', 'adjust'])), fields=['kind', 'id'], name='movement_by_people')],
                'constraints': [models.UniqueConstraint(fields=('cause', 'product', 'kind'), name='moved_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['receive', 'adjust', 'reserve', 'release', 'consume'])), name='movement_kind')],
            },
        ),
        migrations.RunSQL("ANALYZE inventory_owed", migrations.RunSQL.noop),  # so that nobody expects much of it
    ]
