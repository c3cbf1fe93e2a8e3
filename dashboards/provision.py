"""Brings the boards to Grafana: pushed through its HTTP API, or as files that it provisions.

A board is a file in boards/ with a function `build`; there is no list of them to keep.
"""

import json
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import niquests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import boards
from dashboards.boards.common import FOLDER, TAG
from monitor.config import Secret

Credential = Secret | tuple[str, Secret] | None
TIMEOUT = 15.0  # seconds for each request


class ProvisionError(Exception):
    """Grafana could not be provisioned; the message is one line that says what to change."""


def all_boards() -> list[Dashboard]:
    """Every board of boards/, by file name."""
    names = sorted(found.name for found in pkgutil.iter_modules(boards.__path__))
    modules = [import_module(f"{boards.__name__}.{name}") for name in names]
    return [module.build() for module in modules if hasattr(module, "build")]


def encoded(board: Dashboard) -> str:
    """A board as Grafana's JSON."""
    return json.dumps(board, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def export(directory: Path) -> list[Path]:
    """Writes every board to `directory` as <uid>.json, as Grafana's file provisioning reads them."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for board in all_boards():
        path = directory / f"{board.uid}.json"
        path.write_text(encoded(board), encoding="utf-8")
        written.append(path)
    return written


def push(url: str, credential: Credential = None) -> list[str]:
    """Creates or replaces the folder "Fairlead" and every board; gives the boards' addresses.

    `credential` is a service account's token or a name with a password. Boards are known by uid, so
    pushing again changes nothing. Raises ProvisionError.
    """
    base = _checked(url)
    with _explained(base), _connected(base, credential) as api:
        _require_prometheus(api, base)
        _ensure_folder(api)
        return [urljoin(base, _save(api, board)["url"]) for board in all_boards()]


@contextmanager
def _connected(url: str, credential: Credential) -> Iterator[GrafanaApi]:
    """A client whose connections end with the context."""
    api = GrafanaApi.from_url(url, credential=_plain(credential), timeout=TIMEOUT)
    try:
        yield api
    finally:
        api.client.s.close()


def _plain(credential: Credential) -> str | tuple[str, str] | None:
    if isinstance(credential, tuple):
        return credential[0], credential[1].value
    return credential.value if credential else None


def _checked(url: str) -> str:
    """The address with a slash at its end; it may carry a path, and no password."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ProvisionError(f"url: {url!r} is not allowed; allowed: http://host:port or https://host/path")
    if parts.username or parts.password:
        raise ProvisionError(
            "url: a password in it is not allowed; allowed: a token, or user and password apart"
        )
    return url.rstrip("/") + "/"


def _require_prometheus(api: GrafanaApi, url: str) -> None:
    kinds = {source["type"] for source in api.datasource.list_datasources()}
    if "prometheus" not in kinds:
        found = ", ".join(sorted(kinds)) or "none"
        raise ProvisionError(
            f"{url}: no Prometheus data source (found: {found}); add one that scrapes /metrics"
        )


def _ensure_folder(api: GrafanaApi) -> None:
    try:
        api.folder.get_folder(TAG)
    except GrafanaClientError as error:
        if error.status_code != 404:
            raise
        api.folder.create_folder(FOLDER, uid=TAG)


def _save(api: GrafanaApi, board: Dashboard) -> dict[str, str]:
    body = {
        "dashboard": {**json.loads(encoded(board)), "id": None},
        "folderUid": TAG,
        "overwrite": True,
        "message": "fairlead dashboards push",
    }
    saved: dict[str, str] = api.dashboard.update_dashboard(body)
    return saved


_MEANINGS = {
    401: "it does not know this token or password",
    403: "the token lacks a permission; allowed: the role Admin, or Editor with datasources:read",
    404: "no Grafana answers at this address",
    412: "a board of this uid is provisioned from a file; change the file instead",
}


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turns whatever the client raises into one line."""
    try:
        yield
    except GrafanaException as error:
        status = int(error.status_code)
        meaning = _MEANINGS.get(status) or " ".join(str(error.message).split())
        raise ProvisionError(f"{url}: Grafana answered {status or 'too late'}: {meaning[:200]}") from None
    except niquests.exceptions.JSONDecodeError:
        raise ProvisionError(
            f"{url}: the answer is not Grafana's; allowed: the address of its first page"
        ) from None
    except niquests.exceptions.RequestException as error:
        raise ProvisionError(f"{url}: cannot reach Grafana ({type(error).__name__})") from None
