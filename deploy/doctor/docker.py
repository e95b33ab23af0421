"""The images of a shop in containers."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.docker.catalogue import server_images
from deploy.docker.client import Client
from deploy.doctor.finding import Finding, fine, note


def images(client: Client, root: Path, forced: bool) -> Finding:
    """`forced`: there is no doing without Docker."""
    bases = re.findall(r"^FROM (\S+:\S+)", (root / "deploy/docker/Dockerfile").read_text(), re.MULTILINE)
    needed = sorted({*server_images(root), *bases})
    missing = [image for image in needed if not client.has_image(image)]
    if missing:
        otherwise = "which needs their registry" if forced else "or starts without Docker if it cannot"
        return note(f"images that are not here yet: {', '.join(missing)}", f"`make up` pulls them, {otherwise}")
    return fine(f"the images are here: {', '.join(needed)}")
