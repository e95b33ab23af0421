"""The service's Celery application; `manage.py shipping worker | housekeeper | beat` start it."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "shipping_service.settings"

from polder.consumer.app import celery_app

app = celery_app()
