"""Real counterparts for delivery: a stateful Slack (npm emulate) and an SMTP server (aiosmtpd).

Fixtures: `templates` and `renderer` (the shipped templates), `slack_server` (one for the
session), `slack_channel` (a fresh channel in it), `answering` (a web server that gives one
fixed answer), `mail_trust` and `mailbox` (an SMTP server that can be told to misbehave).
Where Node.js is missing, tests that want Slack are skipped and say so.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import itertools
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from slack_sdk import WebClient

from detector.notifiers.mail_server import MailServer
from detector.notifiers.slack_api import SlackApi, slack_client
from detector.notifiers.slack_pace import Pace
from detector.rendering import Renderer

REPOSITORY = Path(__file__).parents[1]
EMULATOR = Path(__file__).parent / "slack_emulator"
NO_NODE = "Node.js and npm are needed for the Slack emulator; install them to run these."
TOKEN = "test_token_admin"  # the one that the emulator knows

_channel_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def templates() -> dict[str, str]:
    """The shipped templates, name -> text."""
    return {path.name: path.read_text() for path in (REPOSITORY / "alert_templates").iterdir()}


@pytest.fixture(scope="session")
def renderer(templates: dict[str, str]) -> Renderer:
    """Renders with the shipped templates."""
    return Renderer(templates)


def api_of(client: WebClient) -> SlackApi:
    """The API as the service makes it, with a pace of its own that never makes a test wait."""
    ticks = itertools.count(step=60.0)
    return SlackApi(client, Pace(monotonic=lambda: next(ticks), sleep=lambda _seconds: None))


@dataclass(frozen=True)
class SlackServer:
    """The emulator; `process` can be stopped and continued to lose an answer."""

    base_url: str
    process: subprocess.Popen[str]

    def client(self, *, timeout_s: int = 10) -> WebClient:
        """A client as the service makes it."""
        return slack_client(TOKEN, base_url=self.base_url, timeout_s=timeout_s)

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """What stands in a channel, newest first."""
        answer = self.client().conversations_history(channel=channel, include_all_metadata=True)
        return list(answer["messages"])

    def thread(self, channel: str, ts: str) -> list[dict[str, Any]]:
        """A message and what stands in its thread, oldest first."""
        answer = self.client().conversations_replies(channel=channel, ts=ts)
        return list(answer["messages"])


@pytest.fixture(scope="session")
def slack_server() -> Iterator[SlackServer]:
    """One Slack for the session, on the loopback address only."""
    with emulated_slack() as server:
        yield server


@contextmanager
def emulated_slack() -> Iterator[SlackServer]:
    """Start the emulator, and end it."""
    _install_emulator()
    with subprocess.Popen(
        ["node", "serve.mjs"], cwd=EMULATOR, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield SlackServer(f"http://127.0.0.1:{int(process.stdout.readline())}/api/", process)
        finally:
            process.kill()


@pytest.fixture
def slack_channel(slack_server: SlackServer) -> str:
    """The id of a channel in which nothing has been said."""
    name = f"alerts-{next(_channel_numbers)}"
    return str(slack_server.client().conversations_create(name=name)["channel"]["id"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what wants Slack where it cannot run."""
    if _has_node():
        return
    for item in items:
        if "slack_server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=NO_NODE))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once why tests were skipped, also where pytest was not asked to."""
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(NO_NODE in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(f"{count} tests skipped: {NO_NODE}")


def _has_node() -> bool:
    return shutil.which("node") is not None and shutil.which("npm") is not None


def _install_emulator() -> None:
    with (EMULATOR / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several pytest workers may get here together
        if (EMULATOR / "node_modules" / "emulate").is_dir():
            return
        install = [
            "npm",
            "install",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ]
        done = subprocess.run(install, cwd=EMULATOR, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("Slack: npm could not install the emulator; is there a network?")


@dataclass(frozen=True)
class Answer:
    """What a web server says to every request."""

    status: int
    headers: dict[str, str]
    body: str


@pytest.fixture
def answering() -> Iterator[Callable[[Answer], str]]:
    """Start web servers that give one answer each; the base URL of one is returned."""
    with ExitStack() as servers:
        yield lambda answer: servers.enter_context(_answering(answer))


@contextmanager
def _answering(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response_only(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class MailTrust:
    """A certificate for 127.0.0.1, and who believes in it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def mail_trust(tmp_path_factory: pytest.TempPathFactory) -> MailTrust:
    """A certificate that was made for this session."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)  # TLS compares with the real clock
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return MailTrust(server, ssl.create_default_context(cafile=str(pem)))


@dataclass
class Mailbox:
    """An SMTP server and what it got. `refusals` maps a recipient to the answer it gets."""

    trust: MailTrust
    port: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    sender_answer: str = "250 OK"
    cuts_after_data: bool = False
    data_answer: str = "250 kept"
    largest: int = 10_000_000
    received: list[Envelope] = field(default_factory=list)

    def server(self, **fields: Any) -> MailServer:
        """How the service is told about this server."""
        given = {"user": "vaultwatch", "password": "s3cret", "trust": self.trust.client, **fields}
        return MailServer("127.0.0.1", self.port, **given)

    async def handle_MAIL(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take the sender unless told otherwise."""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.sender_answer

    async def handle_RCPT(
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take the recipient unless told otherwise."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the mail, and perhaps hang up before saying so."""
        if len(envelope.content or b"") > self.largest:
            return "552 too large"
        if self.data_answer.startswith("2"):
            self.received.append(envelope)
        if self.cuts_after_data:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.data_answer


@pytest.fixture
def mailbox(mail_trust: MailTrust) -> Iterator[Mailbox]:
    """A server that wants STARTTLS and a password, as a real one does."""
    with mail_server(
        mail_trust,
        tls_context=mail_trust.server,
        require_starttls=True,
        auth_required=True,
        authenticator=_knows_password,
    ) as box:
        yield box


@contextmanager
def mail_server(trust: MailTrust, **fields: Any) -> Iterator[Mailbox]:
    """A server with the given settings of aiosmtpd's."""
    box = Mailbox(trust)
    controller = Controller(box, hostname="127.0.0.1", port=_free_port(), **fields)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


def _knows_password(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: LoginPassword
) -> AuthResult:
    is_right = given == LoginPassword(b"vaultwatch", b"s3cret")
    return AuthResult(success=is_right, handled=False)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])
