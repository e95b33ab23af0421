from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
    ]

    operations = [
        # So that it is noticed, too, when nobody has ever looked at the broker.
        migrations.RunSQL(
            sql="INSERT INTO job_run (name, every, expected_since, error) VALUES ('broker', 60, now(), '') ON CONFLICT DO NOTHING",
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
