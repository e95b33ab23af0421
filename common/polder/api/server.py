"""gunicorn with this service in it: one process with threads that no client can hold, and a log
like that of all other processes."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger
from rest_framework.settings import api_settings

from polder import this_service

GRACE_SECONDS = 10
RECEIVE_SECONDS = 20.0


class SharedLog(Logger):
    """What gunicorn says goes the way of everything else that the process says. Requests are not
    logged: they name people."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class WebServer(BaseApplication):
    """`run()` listens on `bind` ("host:port") until it is told to stop, and ends the process. A
    request has `receive_seconds` to come in."""

    def __init__(self, bind: str, threads: int, receive_seconds: float = RECEIVE_SECONDS) -> None:
        self._bind, self._threads, self.receive_seconds = bind, threads, receive_seconds
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings().items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The service's own wsgi.py, after the fork."""
        return import_string(f"{this_service.name()}_service.wsgi.application")

    def _settings(self) -> dict[str, Any]:
        return {
            "bind": self._bind,
            "worker_class": "polder.api.worker.BufferingWorker",
            "workers": 1,
            "threads": self._threads,
            # well below the 1,024 files that a process may commonly open
            "worker_connections": 512,
            "sendfile": False,  # it would wait for the client
            # a proxy passes SCRIPT_NAME on as the client sent it
            "forwarder_headers": "",
            # by which scheme we are asked is a proxy's to say
            **({} if api_settings.NUM_PROXIES else {"secure_scheme_headers": {}}),
            "graceful_timeout": GRACE_SECONDS,
            # it lies in the user's home, where two stacks would meet
            "control_socket_disable": True,
            # The worker proves with a file that it is alive; on a busy disk that alone may take too
            # long.
            "worker_tmp_dir": "/dev/shm",  # noqa: S108 - gunicorn makes a file of its own there
            "logger_class": SharedLog,
        }
