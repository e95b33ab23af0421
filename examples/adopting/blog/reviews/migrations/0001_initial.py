from django.db import migrations, models


class Migration(migrations.Migration):
    """The project before the adoption."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("book_id", models.CharField(db_index=True, max_length=64)),
                ("text", models.TextField()),
            ],
        ),
    ]
