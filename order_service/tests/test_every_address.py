"""Who is let in at every address, with a row in every table."""

from order_service.tests.conftest import admin
from polder.testing.every_address import *  # noqa: F403

every_row = admin
