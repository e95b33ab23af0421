"""Authorities and certificates for a test, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.file = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        self._openssl(
            self.file, self._key, "-addext", "keyUsage=critical,keyCertSign", subject=name
        )

    def certificate(self, *alternatives: str) -> tuple[Path, Path]:
        """For such hosts (`IP:127.0.0.1`, `DNS:broker`); the files of certificate and key."""
        files = self.folder / "host.pem", self.folder / "host.key"
        names = (
            "-addext",
            f"subjectAltName={','.join(alternatives)}",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        )
        self._openssl(
            *files, "-CA", str(self.file), "-CAkey", str(self._key), *names, subject="host"
        )
        return files

    def _openssl(self, file: Path, key: Path, *options: str, subject: str) -> None:
        kind = (
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            f"/CN={subject}",
        )
        command = [
            "openssl",
            "req",
            "-x509",
            *kind,
            "-keyout",
            str(key),
            "-out",
            str(file),
            *options,
        ]
        subprocess.run(command, check=True, capture_output=True)
