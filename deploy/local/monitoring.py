"""`python -m deploy.local.monitoring`: Prometheus and Alertmanager of Debian's packages for a shop
that runs without Docker, with the rules and settings that the containers have, and other
addresses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from deploy.local.ports import HOST, read
from deploy.local.run_directory import RunDirectory, variables_of

HERE = Path(__file__).resolve().parents[1] / "prometheus"


@dataclass(frozen=True)
class Monitoring:
    """Its files and data are in `folder`; `variables` are those of `.run/stack.env`. `people`: who
    hears of alarms, as Alertmanager has it, besides its own page."""

    folder: Path
    variables: Mapping[str, str]
    prometheus: str
    alertmanager: str
    people: Mapping[str, Any] = field(default_factory=dict)

    def start(self) -> list[subprocess.Popen[bytes]]:
        """Each with its log in the folder. Raises FileNotFoundError when a package is missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, said in (("prometheus", self._scraped()), ("alertmanager", self._told())):
            (self.folder / f"{name}.yml").write_text(yaml.safe_dump(said))
        started = []
        for program, *options in (
            (
                "prometheus",
                f"--config.file={self.folder}/prometheus.yml",
                f"--storage.tsdb.path={self.folder}/prometheus",
                f"--web.listen-address={self.prometheus}",
            ),
            (
                "prometheus-alertmanager",
                f"--config.file={self.folder}/alertmanager.yml",
                f"--storage.path={self.folder}/alertmanager",
                f"--web.listen-address={self.alertmanager}",
                "--cluster.listen-address=",
            ),
        ):
            with (self.folder / f"{program}.log").open("wb") as log:
                started.append(subprocess.Popen([program, *options], stdout=log, stderr=log))
        return started

    def _scraped(self) -> dict[str, Any]:
        said: dict[str, Any] = yaml.safe_load((HERE / "prometheus.yml").read_text())
        said["rule_files"] = [str(HERE / "polder.yml")]
        said["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [self.alertmanager]
        for job in said["scrape_configs"]:
            name = job["job_name"]
            of_it = "RABBITMQ_METRICS_URL" if name == "rabbitmq" else f"{name.upper()}_URL"
            urls = self.variables[of_it].split(";")
            job["static_configs"][0]["targets"] = [urlsplit(url).netloc for url in urls]
        return said

    def _told(self) -> dict[str, Any]:
        said: dict[str, Any] = yaml.safe_load((HERE / "alertmanager.yml").read_text())
        said["receivers"][0] |= self.people
        return said


def main() -> int:
    """In the foreground, until Ctrl-C or until one of them ends."""
    run = RunDirectory(Path(".run").resolve())
    if not run.stack_env.exists():
        print("There is no shop: make up")
        return 1
    monitoring = Monitoring(
        run.root / "monitoring",
        variables_of(run.stack_env),
        f"{HOST}:{read(os.environ, 'PROMETHEUS_PORT', 9090)}",
        f"{HOST}:{read(os.environ, 'ALERTMANAGER_PORT', 9093)}",
    )
    try:
        started = monitoring.start()
    except FileNotFoundError as error:
        print(f"{error.filename} is missing: apt install prometheus prometheus-alertmanager")
        return 1
    print(f"Prometheus: http://{monitoring.prometheus}\nAlarms: http://{monitoring.alertmanager}")
    try:
        while all(process.poll() is None for process in started):
            time.sleep(1)
        print(f"One of them has ended; see {monitoring.folder}/*.log")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in started:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
