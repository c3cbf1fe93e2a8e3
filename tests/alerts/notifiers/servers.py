"""Servers on 127.0.0.1 that answer as the real ones do, and as scripted."""
# ruff: noqa: ARG002, N802 (aiosmtpd fixes the names and arguments of its handlers)

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Answer:
    """What an HTTP server says."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """What an HTTP server was asked."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Http:
    """Takes POSTs, answers as scripted in `answers`, then with `usual`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.url = ""

    def usual(self, request: Request) -> Answer:
        return Answer()

    async def handle(self, request: web.Request) -> web.Response:
        got = Request(request.path, dict(request.headers), await request.read())
        answer = self.answers.pop(0) if self.answers else self.usual(got)
        if answer.status < 300:
            self.requests.append(got)
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)


class Slack(Http):
    """Slack's incoming webhook: one address, JSON with text or blocks, and Slack's limits on both."""

    PATH = "/services/T000/B000/secretsecret"

    def usual(self, request: Request) -> Answer:
        if request.path != self.PATH:
            return Answer(404, "no_service")
        try:
            payload = request.json()
        except ValueError:
            return Answer(400, "invalid_payload")
        if not payload.get("text"):
            return Answer(400, "no_text")
        return Answer() if self._valid(payload.get("blocks", [])) else Answer(400, "invalid_blocks")

    def _valid(self, blocks: list[dict[str, Any]]) -> bool:
        return len(blocks) <= 50 and all(self._valid_block(block) for block in blocks)

    def _valid_block(self, block: dict[str, Any]) -> bool:
        if block["type"] == "header":
            return block["text"]["type"] == "plain_text" and 1 <= len(block["text"]["text"]) <= 150
        fields = block.get("fields", [])
        texts = [(block["text"], 3000)] if "text" in block else []
        texts += [(each, 2000) for each in fields]
        return (
            block["type"] == "section"
            and len(fields) <= 10
            and len(texts) > 0
            and all(text["type"] == "mrkdwn" and 1 <= len(text["text"]) <= limit for text, limit in texts)
        )


def server_tls(folder: Path) -> ssl.SSLContext:
    """TLS with the certificate in the folder."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@asynccontextmanager
async def serving(http: Http, tls: ssl.SSLContext | None = None) -> AsyncIterator[Http]:
    """The server, running, with its address in `url`."""
    app = web.Application()
    app.router.add_post("/{path:.*}", http.handle)
    server = TestServer(app, host="127.0.0.1", scheme="https" if tls else "http")
    await server.start_server(ssl=tls, access_log=None)  # its log is not ours to judge
    async with server:
        http.url = str(server.make_url("/")).rstrip("/")
        yield http


@contextmanager
def in_a_thread(*servers: AbstractAsyncContextManager[object]) -> Iterator[None]:
    """The servers run in a thread of their own, for workers in other processes."""
    loop, started, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server)
            started.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


@asynccontextmanager
async def hanging() -> AsyncIterator[int]:
    """The port of a server that takes connections and never says a word."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in held:
            writer.close()
        server.close()
        await server.wait_closed()


class Mail:
    """A mail server. Scripted: `greeting` for the data, `refused` for recipients."""

    def __init__(self, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.login, self.tls = login, tls
        self.port = 0
        self.logged_in = False
        self.got: list[tuple[list[str], EmailMessage]] = []
        self.answers: list[str] = []
        self.refused: dict[str, list[str]] = {}

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refused.get(address):
            return self.refused[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers and (answer := self.answers.pop(0)) != "250 OK":
            return answer
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.got.append((list(envelope.rcpt_tos), mail))
        self.logged_in = bool(session.authenticated)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        right = (
            isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self.login
        )
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def mailing(mail: Mail, *, at_once: bool = False) -> AsyncIterator[Mail]:
    """The mail server, running. `at_once`: TLS from the first byte, else STARTTLS where it can."""
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            mail,
            hostname="mail.example.com",
            tls_context=None if at_once else mail.tls,
            require_starttls=bool(mail.tls) and not at_once,
            # aiosmtpd sees TLS only after STARTTLS; where it is there from the first byte, `logged_in` tells.
            auth_required=mail.login is not None and not at_once,
            auth_require_tls=not at_once,
            authenticator=mail.authenticate if mail.login else None,
            loop=loop,
        )

    server = await loop.create_server(session, "127.0.0.1", 0, ssl=mail.tls if at_once else None)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()
        await server.wait_closed()
