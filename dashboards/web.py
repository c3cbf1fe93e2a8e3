"""The worker's HTTP face: the page, its JSON, ``/metrics``, ``/healthz`` and ``/readyz``.

Everything here is public in DESIGN's sense: small groups are suppressed on all of it.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable
from importlib.resources import files
from typing import ParamSpec, TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client.exposition import choose_encoder

from dashboards import report
from dashboards.exporter import registry
from dashboards.state import summary
from dashboards.suppression import PublicView
from dashboards.view import View
from monitor.config import Secret

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
AT_ONCE = 2  # reports and metrics that are drawn side by side: evaluation needs threads, too
OPEN = frozenset({"/healthz", "/readyz"})  # probes carry no password
PAGE = files("dashboards.page")
_json = msgspec.json.Encoder()
P = ParamSpec("P")
T = TypeVar("T")


def make_web(view: View, user: str | None = None, password: Secret | None = None) -> web.Application:
    """The application over `view`.

    With `user` and `password` all but the probes asks for them (HTTP Basic, so serve it over TLS).
    Raises ValueError if only one of the two is given.
    """
    if (user is None) != (password is None):
        raise ValueError("user and password: only one is given; allowed: both or neither")
    middlewares = [hardened] if user is None or password is None else [hardened, guard(user, password)]
    app = web.Application(middlewares=middlewares)
    app.add_routes(_Handlers(view).routes())
    return app


@web.middleware
async def hardened(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Adds the security headers to every answer, errors too."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def guard(user: str, password: Secret) -> Middleware:
    """A middleware that asks for a name and a password; both are compared in constant time."""
    expected = b"Basic " + base64.b64encode(f"{user}:{password.value}".encode())

    @web.middleware
    async def ask(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if request.path in OPEN or hmac.compare_digest(given, expected):
            return await handler(request)
        raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="fairlead", charset="UTF-8"'})

    return ask


class _Handlers:
    def __init__(self, view: View) -> None:
        self.view = PublicView(view)
        self._threads = asyncio.Semaphore(AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/static/{name}", self.static),
            web.get("/report/{model}", self.report),
            web.get("/api/state", self.state),
            web.get("/api/readings", self.readings),
            web.get("/api/alerts", self.alerts),
            web.get("/api/health", self.health),
            web.get("/metrics", self.metrics),
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
        ]

    async def _beside(self, draw: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What takes long, in a thread: a hundred groups make megabytes, and nobody waits for the loop."""
        async with self._threads:
            return await asyncio.to_thread(draw, *args, **kwargs)

    async def page(self, request: web.Request) -> web.Response:
        return _answer(request, (PAGE / "page.html").read_bytes(), "text/html")

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        kind = TYPES.get(name.rpartition(".")[2])
        if kind is None or name not in {file.name for file in PAGE.iterdir()}:
            raise web.HTTPNotFound
        return _answer(request, (PAGE / name).read_bytes(), kind)

    async def report(self, request: web.Request) -> web.Response:
        """The report of a model, with `?impact` its impact ratios, too; drawn beside the loop."""
        name = request.match_info["model"]
        model, readings = self.view.models().get(name), self.view.readings()
        found = [reading for reading in readings if reading.model == name]
        if model is None or not found:
            raise web.HTTPNotFound(text=f"{name}: this worker has no readings of such a model\n")
        health, with_impact = self.view.health(), "impact" in request.query
        body = await self._beside(report.of_worker, name, model, found, health, with_impact)
        answer = _answer(request, body.encode(), "text/html")
        answer.headers["Content-Security-Policy"] = f"{report.policy()}; frame-ancestors 'none'"
        return answer

    async def state(self, request: web.Request) -> web.Response:
        """What the page shows: all models in short, and `?model=`'s readings."""
        return _answer(
            request, await self._beside(_json.encode, summary(self.view, request.query.get("model")))
        )

    async def readings(self, request: web.Request) -> web.Response:
        """The readings, of `?model=` and `?window=` only if given."""
        wanted = {key: request.query[key] for key in ("model", "window") if key in request.query}
        found = [r for r in self.view.readings() if all(getattr(r, key) == wanted[key] for key in wanted)]
        return _answer(request, await self._beside(_json.encode, found))

    async def alerts(self, request: web.Request) -> web.Response:
        return _answer(request, _json.encode(self.view.alerts()))

    async def health(self, request: web.Request) -> web.Response:
        return _answer(request, _json.encode(self.view.health()))

    async def metrics(self, request: web.Request) -> web.Response:
        """For Prometheus; spelled beside the loop, since a hundred groups make megabytes."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        seen = self.view.see()
        body = await self._beside(encode, registry(lambda: seen))
        return _compressed(web.Response(body=body, headers={"Content-Type": content_type}))

    async def healthz(self, _: web.Request) -> web.Response:
        """Alive: the loop answers."""
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        """Ready: state is rebuilt and events are read; 503 with the reason otherwise."""
        health = self.view.health()
        return web.Response(
            text="ok\n" if health.ready else f"{health.reason}\n", status=200 if health.ready else 503
        )


def _answer(request: web.Request, body: bytes, content_type: str = "application/json") -> web.Response:
    """The body with its ETag; 304 if the browser has it already."""
    etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers=headers)
    return _compressed(web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers))


def _compressed(response: web.Response) -> web.Response:
    """Packed, for those who take it so."""
    response.enable_compression()
    return response
