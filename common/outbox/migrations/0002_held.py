from django.db import migrations


class Migration(migrations.Migration):
    """Held rows are few and are counted at every scrape of /metrics; without this, in the whole history."""

    dependencies = [("outbox", "0001_initial")]
    operations = [
        migrations.RunSQL(
            sql="CREATE INDEX outbox_held ON outbox (held_at) WHERE held_at IS NOT NULL",
            reverse_sql="DROP INDEX outbox_held",
        ),
    ]
