"""The images of a shop in containers."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.docker.client import Client
from deploy.doctor.finding import Finding, fine, note

NEEDED = (("compose.yaml", r"^ *image: (\S+:\S+)$"), ("deploy/docker/Dockerfile", r"^FROM (\S+:\S+)"))


def images(client: Client, root: Path) -> Finding:
    needed = {image for file, pattern in NEEDED for image in re.findall(pattern, (root / file).read_text(), re.MULTILINE)}
    missing = sorted(image for image in needed if not client.has_image(image))
    if missing:
        return note(f"images that are not here yet: {', '.join(missing)}", "`make up` pulls them, and starts without Docker if it cannot")
    return fine(f"the images are here: {', '.join(sorted(needed))}")
