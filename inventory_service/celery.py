"""The service's Celery application; `manage.py inventory worker | housekeeper | beat` start it."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "inventory_service.settings"

from common.intake.app import celery_app
from inventory_service.tasks import SCHEDULE

app = celery_app("inventory")
app.conf.beat_schedule = SCHEDULE
