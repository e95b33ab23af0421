"""What holds of every handler of an API."""

from common.testing.every_api import *  # noqa: F403
