import asyncio
from types import SimpleNamespace

import aiohttp
import pytest

from alerts import posting
from alerts.notifier import Retry
from monitor.config import ConfigError

KEY = SimpleNamespace(host="secret.example.com", port=443, is_ssl=True, ssl=True)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError("secret"), "no answer in time"),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "secret")), "the host's name is not known"),
        (
            aiohttp.ClientConnectorSSLError(KEY, OSError(1, "secret")),
            "there is no TLS connection that can be trusted",
        ),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "secret")), "cannot connect: Connection refused"),
        (aiohttp.ClientConnectorError(KEY, OSError("secret")), "cannot connect: ClientConnectorError"),
        (aiohttp.InvalidURL("https://secret"), "the connection broke: InvalidURL"),
        (aiohttp.ServerDisconnectedError("secret"), "the connection broke: ServerDisconnectedError"),
    ],
)
def test_troubles_are_told_without_the_address(error, said):
    assert posting.trouble(error) == said


async def test_a_server_that_hangs_up():
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Retry, match="the connection broke"):
            await posting.post(f"http://127.0.0.1:{port}/secret", b"{}", {}, timeout_s=20)


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com", "https://", "javascript:alert(1)"])
def test_addresses_that_are_none(url):
    with pytest.raises(
        ConfigError, match=r"^notifiers\.x\.url: .* an address that begins with https:// or http://"
    ):
        posting.checked(url, "notifiers.x.url")
