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
    """Of a process that died soon after its start supervisord does not say the id; and it may have
    begun it again before we hear of the end."""
    if pid:
        _end_group(int(pid))
    for file in (run / f"{processname}.pid", run / f"{processname}.before.pid"):
        with suppress(FileNotFoundError, ValueError):
            if _end_group(int(file.read_text())):
                file.unlink()


def _end_group(leader: int) -> bool:
    """Whether its leader has ended. No other process gets its id while one of the group lives."""
    if Path(f"/proc/{leader}").exists():
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]))
