from django.db import migrations, models

OUTCOMES = "ALTER TABLE ledger DROP CONSTRAINT ledger_outcome_check, ADD CONSTRAINT ledger_outcome_check CHECK (outcome IN ({}))"
BEFORE = ("applied", "stale", "conflict", "ignored", "parked")


def _allow(*outcomes: str) -> str:
    return OUTCOMES.format(", ".join(f"'{outcome}'" for outcome in outcomes))


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', '0004_ledger_reaches_back'),
    ]

    operations = [
        migrations.RunSQL(_allow(*BEFORE, "regressed"), _allow(*BEFORE)),
        migrations.AlterField(
            model_name='ledgerentry',
            name='outcome',
            field=models.CharField(choices=[('applied', 'applied'), ('stale', 'stale: a newer version was known'), ('conflict', 'conflict: same version, other content'), ('regressed', "regressed: its owner's past came back"), ('ignored', 'ignored: no replica keeps it'), ('parked', 'parked')], max_length=10),
        ),
    ]
