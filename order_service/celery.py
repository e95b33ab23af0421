"""The service's Celery application; `manage.py order worker | housekeeper | beat` start it."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "order_service.settings"

from common.intake.app import celery_app
from order_service.tasks import SCHEDULE

app = celery_app("order")
app.conf.beat_schedule = SCHEDULE
