"""A stand-in for Grafana, made from its documented HTTP API (data sources, folders, dashboards)."""

from typing import Any

from aiohttp import web
from msgspec import Struct, field

Json = dict[str, Any]
TOKEN = "glsa_secret"
BASIC = "Basic YWRtaW46Z2VoZWlt"  # admin:geheim


class Grafana(Struct):
    """Its state. `refuse` answers every request with a status and a message."""

    sources: list[Json] = field(
        default_factory=lambda: [{"id": 1, "uid": "p", "type": "prometheus", "name": "P"}]
    )
    folders: dict[str, Json] = {}
    boards: dict[str, Json] = {}  # uid → {"dashboard", "folderUid", "version"}
    refuse: tuple[int, str] | None = None

    def app(self) -> web.Application:
        made = web.Application(middlewares=[self._guard])
        made.add_routes(
            [
                web.get("/api/datasources", self._sources),
                web.get("/api/folders/{uid}", self._folder),
                web.post("/api/folders", self._create_folder),
                web.post("/api/dashboards/db", self._save),
            ]
        )
        return made

    @property
    def _guard(self) -> Any:
        @web.middleware
        async def ask(request: web.Request, handler: Any) -> web.StreamResponse:
            if self.refuse:
                return web.json_response({"message": self.refuse[1]}, status=self.refuse[0])
            if request.headers.get("Authorization") not in {f"Bearer {TOKEN}", BASIC}:
                return web.json_response({"message": "Invalid API key"}, status=401)
            return await handler(request)

        return ask

    async def _sources(self, _: web.Request) -> web.Response:
        return web.json_response(self.sources)

    async def _folder(self, request: web.Request) -> web.Response:
        found = self.folders.get(request.match_info["uid"])
        return web.json_response(found or {"message": "folder not found"}, status=200 if found else 404)

    async def _create_folder(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["uid"] in self.folders:
            return web.json_response({"message": "already exists"}, status=412)
        self.folders[body["uid"]] = {"id": len(self.folders) + 1, **body}
        return web.json_response(self.folders[body["uid"]])

    async def _save(self, request: web.Request) -> web.Response:
        body = await request.json()
        board = body["dashboard"]
        if body["folderUid"] not in self.folders:
            return web.json_response({"message": "folder not found"}, status=400)
        if board["id"] is not None or not body["overwrite"]:
            return web.json_response({"status": "version-mismatch", "message": "changed"}, status=412)
        before = self.boards.get(board["uid"], {"version": 0})
        self.boards[board["uid"]] = {**body, "version": before["version"] + 1}
        answer = {
            "id": 1,
            "uid": board["uid"],
            "url": request.path.removesuffix("api/dashboards/db") + f"d/{board['uid']}/x",  # with its path
            "status": "success",
            "version": before["version"] + 1,
        }
        return web.json_response(answer)
