"""The service's Celery application; `manage.py worker | housekeeper | beat` start it."""

from polder.consumer.app import celery_app

app = celery_app()
