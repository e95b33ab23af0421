"""Running a server as another user: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import PolderError

# The checkout may lie where the other user may not even look (/root is mode 700). The server keeps
# the one capability that lets it through; CAP_DAC_READ_SEARCH would do, but containers lack it.
THROUGH = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")


@dataclass(frozen=True)
class Account:
    """The user a server runs as. `options` are setpriv's; none when nothing changes."""

    options: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    @classmethod
    def owning(cls, folder: Path) -> "Account":
        """The account for a server with its data in `folder` (made if missing): ourselves, or not
        root if we are. Raises PolderError without such a user."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return cls()
        users = {user.pw_name: user for user in pwd.getpwall()}
        if not (user := users.get("postgres") or users.get("nobody")):
            raise PolderError(
                "PostgreSQL may not run as root, and there is neither a user postgres nor nobody "
                "to run it as.\n"
                "Make one (useradd --system postgres), or run as a user that is not root."
            )
        shutil.chown(folder, user.pw_uid, user.pw_gid)
        closed = not all(above.stat().st_mode & 0o001 for above in folder.parents)
        identity = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups")
        return cls((*identity, *(THROUGH if closed else ())), user)

    def command(self, command: Sequence[str]) -> list[str]:
        return ["setpriv", *self.options, "--", *command] if self.options else list(command)

    def own(self, path: Path) -> None:
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
