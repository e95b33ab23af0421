"""Running a server as another user: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import PolderError

# Tried in turn, least first. The checkout may lie where the other user may not even look (/root is
# mode 700); then the server keeps the one capability that lets it through. Containers often lack
# the first of the two.
CAPABILITIES: tuple[tuple[str, ...], ...] = (
    (),
    ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    ("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
)


@dataclass(frozen=True)
class Account:
    """The user a server runs as. `options` are setpriv's; none when nothing changes."""

    options: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    @classmethod
    def owning(cls, folder: Path) -> "Account":
        """The account for a server with its data in `folder` (made if missing): ourselves, or not
        root if we are.

        Raises PolderError when no way is found to let that user into the folder.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            return cls()
        user = _unprivileged_user()
        shutil.chown(folder, user.pw_uid, user.pw_gid)
        identity = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups")
        probe = folder / "reached"
        for capabilities in CAPABILITIES:
            account = cls((*identity, *capabilities), user)
            # By doing it: access(2), and so `test -w`, leaves capabilities out of account.
            reached = subprocess.run(
                account.command(["touch", str(probe)]), capture_output=True, check=False
            )
            if reached.returncode == 0:
                probe.unlink()
                return account
        raise PolderError(
            f"PostgreSQL may not run as root, and the user {user.pw_name} cannot reach {folder}.\n"
            "Let it through (chmod o+x for each folder above), or run as a user that is not root."
        )

    def command(self, command: Sequence[str]) -> list[str]:
        return ["setpriv", *self.options, "--", *command] if self.options else list(command)

    def own(self, path: Path) -> None:
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)


def _unprivileged_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PolderError(
        "PostgreSQL may not run as root, and there is neither a user postgres nor nobody to run "
        "it as.\n"
        "Make one (useradd --system postgres), or run as a user that is not root."
    )
