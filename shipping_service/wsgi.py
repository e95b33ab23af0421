"""The web process: gunicorn serves `application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "shipping_service.settings"
application = get_wsgi_application()
