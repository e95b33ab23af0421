"""The service's Celery application; `manage.py worker | housekeeper | beat` start it."""

from common.intake.app import celery_app
from common.intake.housekeeping import EVERY_SERVICE

app = celery_app("bookshop")
app.conf.beat_schedule = {**EVERY_SERVICE}
