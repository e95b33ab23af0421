"""What supervisord leaves to its event listeners; it runs this file as one, with the run directory
as its argument.

A process that has ended takes the group that it led and its pid file with it. One that supervisord
has given up, because it died several times within seconds of its start, is started again a little
later.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
import xmlrpc.client
from contextlib import suppress
from pathlib import Path

from supervisor import childutils

ENDED = ("PROCESS_STATE_EXITED", "PROCESS_STATE_STOPPED", "PROCESS_STATE_BACKOFF")


def main(run: Path) -> None:
    api = childutils.getRPCInterface(os.environ).supervisor
    while True:
        headers, payload = childutils.listener.wait()
        try:
            if headers["eventname"] in ENDED:
                reap(run, **childutils.get_headers(payload))
            elif headers["eventname"] == "TICK_5":
                for one in api.getAllProcessInfo():
                    if one["statename"] == "FATAL":
                        with suppress(xmlrpc.client.Fault):
                            api.startProcess(f"{one['group']}:{one['name']}", False)
        except Exception:  # whatever it is: the next event counts
            traceback.print_exc()
        childutils.listener.ok()


def reap(run: Path, *, processname: str, pid: str = "", **_: str) -> None:
    file = run / f"{processname}.pid"
    noted = file.read_text().strip() if file.exists() else ""
    dead = int(pid or noted or 0)
    if not dead or Path(f"/proc/{dead}").exists():  # begun again already
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(dead, signal.SIGKILL)
    if noted == str(dead):
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
