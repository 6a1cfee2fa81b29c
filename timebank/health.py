"""For whoever runs the service: is it alive, can it work, how does it do."""

from typing import Any

import asyncpg
from litestar import MediaType, Request, Response, get

from timebank.web.context import database

READY_TIMEOUT_SECONDS = 2


@get("/healthz", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def healthz() -> str:
    """The process answers."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT, include_in_schema=False)
async def readyz(request: Request[Any, Any, Any]) -> Response[str]:
    """The process can reach a migrated database; 503 with the reason when it cannot."""
    try:
        async with database(request).pool.acquire(timeout=READY_TIMEOUT_SECONDS) as connection:
            migrated = await connection.fetchval(
                "select to_regclass('public.timebank') is not null and to_regclass('ledger.entry') is not null",
                timeout=READY_TIMEOUT_SECONDS,
            )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return Response("the database cannot be reached", status_code=503, media_type=MediaType.TEXT)
    if not migrated:
        return Response(
            "the database is not migrated: run timebank migrate", status_code=503, media_type=MediaType.TEXT
        )
    return Response("ok", media_type=MediaType.TEXT)


ROUTES = [healthz, readyz]
