"""The service's Celery application; `manage.py order worker | housekeeper | beat` start it."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "shipping_service.settings"

from common.intake.app import celery_app
from shipping_service.tasks import SCHEDULE

app = celery_app("shipping")
app.conf.beat_schedule = SCHEDULE
