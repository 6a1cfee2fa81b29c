"""Background work: a page for administrators, and the same for programs."""

from datetime import datetime
from typing import Any, cast

import msgspec
from litestar import Request, Response, get

from timebank.identity.api_auth import acting, needs_scope
from timebank.jobs.queries import runs
from timebank.jobs.rounds import Job
from timebank.kit.actor import ADMIN
from timebank.web.api import READING
from timebank.web.context import AnyConnection, database
from timebank.web.pages import render
from timebank.web.viewer import requires_role, viewer

PageRequest = Request[Any, Any, Any]


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One job: what it is for, when it last ran and comes again, and what keeps it from its work, if anything does."""

    job: str
    words: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    succeeded_at: datetime | None = None
    next_at: datetime | None = None
    failures: int = 0
    error: str = ""


class AllWork(msgspec.Struct, frozen=True, kw_only=True):
    """Every job of this deployment, as it went in this time bank."""

    items: tuple[Work, ...]


@get("/background", guards=[requires_role(ADMIN)])
async def background(request: PageRequest) -> Response[Any]:
    """What the service does by itself, and how it went."""
    work = await _work(request, viewer(request).actor.timebank_id)
    return render(request, "jobs/background.html", lines=work)


@get(
    "/api/v1/background-work",
    operation_id="list_background_work",
    tags=["messages"],
    guards=[needs_scope("messages:read", role=ADMIN)],
    include_in_schema=True,
    **READING,
)
async def background_work(request: PageRequest) -> Response[AllWork]:
    """What the service does by itself, and how it went."""
    return Response(AllWork(items=await _work(request, acting(request).timebank_id)))


async def _work(request: AnyConnection, timebank_id: int) -> tuple[Work, ...]:
    jobs = cast(tuple[Job, ...], request.app.state.jobs)
    async with database(request).reading(timebank_id) as connection:
        last = await runs(connection, timebank_id)
    return tuple(
        Work(words=job.words, **msgspec.structs.asdict(last[job.name]))
        if job.name in last
        else Work(job=job.name, words=job.words)
        for job in jobs
    )


ROUTES: list[Any] = [background]
API_ROUTES: list[Any] = [background_work]
