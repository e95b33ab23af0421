"""The service's Celery application; `manage.py inventory worker | housekeeper | beat` start it."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "inventory_service.settings"

from polder.consumer.app import celery_app

app = celery_app()
