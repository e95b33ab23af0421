"""A real RabbitMQ with TLS and an authority of its own: whoever connects, connects only to who can
prove to be the host in the URL."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection
from kombu.connection import Connection

from deploy.local.environment import VHOST
from deploy.local.ports import Ports
from deploy.local.rabbitmq import RabbitmqNode
from deploy.local.stack import Stack
from polder.broker.celery_application import ClusterCelery
from polder.broker.connect import connect
from polder.broker.management_api import ManagementApi, ManagementError
from polder.broker.trouble import refusal
from polder.configuration.nodes import Nodes
from polder.testing import eventually
from tests.library.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = {"relay": ["relay"], "worker": ["worker"], "housekeeper": ["housekeeper"]}


@dataclass(frozen=True)
class TlsNode(RabbitmqNode):
    """Listens with TLS, too: for AMQP and for its management API."""

    tls: Ports | None = None
    files: tuple[Path, Path] | None = None

    def _configuration(self) -> str:
        assert self.tls
        assert self.files
        certificate, key = self.files
        management = {
            "port": self.tls["rabbitmq-management"],
            "ip": "127.0.0.1",
            "certfile": certificate,
            "keyfile": key,
        }
        lines = [f"management.ssl.{name} = {value}" for name, value in management.items()]
        lines += [
            f"listeners.ssl.1 = 127.0.0.1:{self.tls['rabbitmq']}",
            f"ssl_options.certfile = {certificate}",
            f"ssl_options.keyfile = {key}",
        ]
        return super()._configuration() + "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Broker:
    stack: Stack
    ports: Ports
    ours: Path  # the authority's certificate
    another: Path

    def amqp(
        self, host: str = "127.0.0.1", authority: Path | None = None, user: str = "order"
    ) -> str:
        plain = urlsplit(self.stack.environment.amqp_url(user))
        trusted = f"?cacertfile={quote(str(authority))}" if authority else ""
        return f"amqps://{user}:{plain.password}@{host}:{self.ports['rabbitmq']}/{VHOST}{trusted}"

    def management(self, host: str = "127.0.0.1") -> str:
        plain = urlsplit(self.stack.environment.management_url)
        return (
            f"https://{plain.username}:{plain.password}@{host}:{self.ports['rabbitmq-management']}"
        )


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("tls")
    authority, another = Authority(folder, "ours"), Authority(folder, "another")
    stack, tls = Stack(folder / "run", Ports.free()), Ports.free()
    node = TlsNode(
        stack.run,
        stack.ports,
        stack.rabbitmq.passwords,
        tls=tls,
        files=authority.certificate("IP:127.0.0.1"),
    )
    stack.brokers, stack.rabbitmq = [node], node
    stack.start_servers()
    try:
        found = Broker(stack, tls, authority.file, another.file)
        run_topology(found, authority.file).check_returncode()
        yield found
    finally:
        stack.stop(patient=False)


def run_topology(
    broker: Broker, authority: Path, host: str = "127.0.0.1"
) -> subprocess.CompletedProcess[str]:
    of_management = {
        "RABBITMQ_MANAGEMENT_URL": broker.management(host),
        "RABBITMQ_MANAGEMENT_CA": str(authority),
    }
    command = [sys.executable, "manage.py", "order", "topology"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=variables(broker) | of_management,
        capture_output=True,
        text=True,
        check=False,
    )


def variables(
    broker: Broker, authority: Path | None = None, host: str = "127.0.0.1"
) -> dict[str, str]:
    database = connection.settings_dict
    url = f"postgres://{database['USER']}:{quote(str(database['PASSWORD']))}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    trusted = {"ORDER_AMQP_CA": str(authority)} if authority else {}
    needed = {
        "ORDER_DATABASE_URL": url,
        "ORDER_AMQP_URL": broker.amqp(host),
        "ORDER_SECRET_KEY": "for-this-test",
    }
    return {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"} | needed | trusted


def test_proven_by_its_authority_and_its_name(broker: Broker) -> None:
    with closing(connect(broker.amqp(authority=broker.ours))) as found:
        assert found.connection.transport.sock.getpeercert()


@pytest.mark.parametrize(
    ("host", "authority", "why"),
    [
        (
            "localhost",
            "ours",
            "not valid for 'localhost'; the URL has to name a host of the certificate",
        ),
        ("127.0.0.1", "another", "is its authority in the file that ORDER_AMQP_CA names?"),
        ("127.0.0.1", None, "is its authority in the file that ORDER_AMQP_CA names?"),
    ],
)
def test_else_refused_and_told_why(
    broker: Broker, host: str, authority: str | None, why: str
) -> None:
    url = broker.amqp(host, getattr(broker, authority) if authority else None)
    for _ in range(2):  # kombu writes an address where `localhost` was
        with pytest.raises(ssl.SSLCertVerificationError) as refused:
            connect(Nodes(url))
        assert why in str(refusal(refused.value))


def test_no_connection_of_kombus_own_trusts_blindly(broker: Broker) -> None:
    """Not even one that was never told of an authority."""
    with Connection(broker.amqp()) as careless, pytest.raises(ssl.SSLCertVerificationError):
        careless.connect()


@pytest.mark.parametrize("way", ["connection_for_read", "connection_for_write", "connection"])
def test_each_of_several_nodes_proves_its_own_name(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Celery's connections: worker, beat, Flower. The first node has a name that its certificate
    lacks."""
    monkeypatch.setattr("polder.configuration.nodes.random.shuffle", lambda urls: None)
    nodes = [broker.amqp("localhost", broker.ours), broker.amqp("127.0.0.1", broker.ours)]
    app = ClusterCelery("test", ";".join(nodes), set_as_current=False)

    with closing(getattr(app, way)().ensure_connection(max_retries=1, interval_start=0.1)) as found:
        assert found.connected
        assert found.hostname == "127.0.0.1"
    wrong = ClusterCelery("test", ";".join([nodes[0]] * 2), set_as_current=False)
    with pytest.raises(Exception, match="not valid for 'localhost'"):
        getattr(wrong, way)().ensure_connection(max_retries=1, interval_start=0.1)


def test_a_port_without_tls_is_named(broker: Broker) -> None:
    url = broker.amqp(authority=broker.ours).replace(
        str(broker.ports["rabbitmq"]), str(broker.stack.ports["rabbitmq"])
    )
    with pytest.raises(OSError) as refused:  # noqa: PT011 - told apart below
        connect(url)
    assert "speaks no TLS on this port" in str(refusal(refused.value))


def test_the_management_api_too(broker: Broker) -> None:
    trusted = f"?cacertfile={quote(str(broker.ours))}"
    assert ManagementApi(broker.management() + trusted, VHOST).call("GET", "overview")[
        "rabbitmq_version"
    ]
    with pytest.raises(ManagementError, match="not valid for 'localhost'"):
        ManagementApi(broker.management("localhost") + trusted, VHOST).call("GET", "overview")
    with pytest.raises(ManagementError, match="certificate verify failed"):
        ManagementApi(broker.management(), VHOST).call("GET", "overview")
    refused = run_topology(broker, broker.another)
    assert refused.returncode == 1
    assert "certificate verify failed" in refused.stderr


@pytest.mark.parametrize("command", PROCESSES.values(), ids=PROCESSES)
def test_every_process_works_with_it(
    committed: None, broker: Broker, tmp_path: Path, command: list[str]
) -> None:
    ready = tmp_path / "ready"
    with started(
        variables(broker, broker.ours) | {"POLDER_READY_FILE": str(ready)},
        command,
        tmp_path / "log",
    ):
        eventually(ready.exists, seconds=60)


@pytest.mark.parametrize("command", PROCESSES.values(), ids=PROCESSES)
def test_every_process_refuses_another_host_and_says_so(
    committed: None, broker: Broker, tmp_path: Path, command: list[str]
) -> None:
    ready, log = tmp_path / "ready", tmp_path / "log"
    with started(
        variables(broker, broker.ours, "localhost") | {"POLDER_READY_FILE": str(ready)},
        command,
        log,
    ):
        eventually(
            lambda: "certificate is not valid for 'localhost'" in log.read_text(), seconds=60
        )
    assert not ready.exists()


class started:  # noqa: N801 - a context manager
    def __init__(self, environ: dict[str, str], command: list[str], log: Path) -> None:
        command = [sys.executable, "manage.py", "order", *command]
        with log.open("w") as file:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdout=file, stderr=file
            )

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
