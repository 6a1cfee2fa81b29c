"""Messages for programs: those to the token's member, and what a coordinator does about those that wait."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import MAX_KEY, page_size, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.messages import queries, service
from timebank.messages.queries import Delivery
from timebank.messages.service import CallMade
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now, settings

ApiRequest = Request[Any, Any, Any]
READ = "messages:read"
WRITE = "messages:write"
Number = Annotated[int, msgspec.Meta(ge=0, le=MAX_KEY)]


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message to the member. ``channel`` is empty while it waits for company, or when it is only on their page."""

    id: int
    kind: str
    subject: str
    body: str
    path: str
    created_at: datetime
    state: str
    channel: str
    sent_at: datetime | None


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, newest first. ``next_cursor`` asks for the next page; null at the end."""

    items: tuple[MessageLine, ...]
    next_cursor: str | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mail, text, call or letter. ``seen`` is the newest message in it; a call is settled up to that one."""

    id: int
    member_id: int
    channel: str
    state: str
    attempts: int
    trouble: str
    subjects: tuple[str, ...]
    seen: int


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, and what people have to do about it. ``print_runs`` are numbers of letters not marked as printed."""

    gathering: int
    emails: int
    texts: int
    letters: int
    failed: tuple[Item, ...]
    calls: tuple[Item, ...]
    print_runs: tuple[int, ...]


class CallOutcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a call went. ``seen`` is the one of the call that was made."""

    outcome: Literal["told", "no_answer"]
    seen: Number = 0


class PrintRun(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that are printed together."""

    number: int
    letters: tuple["LetterText", ...]


class LetterText(msgspec.Struct, frozen=True, kw_only=True):
    """One letter: where it goes, and its paragraphs."""

    display_name: str
    address_lines: tuple[str, ...]
    subject: str
    paragraphs: tuple[str, ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It is done; ``number`` says to what, or how many."""

    number: int


@get("/api/v1/messages", operation_id="list_messages", tags=["messages"], guards=[needs_scope(READ)], **READING)
async def list_messages(
    request: ApiRequest, cursor: FromQuery[str | None] = None, limit: FromQuery[str | None] = None
) -> Response[MessagePage]:
    """The messages to the token's member, newest first."""
    actor = acting(request)
    size, after = page_size(limit), parse_cursor(cursor) if cursor else None
    if isinstance(size, Refusal) or isinstance(after, Refusal):
        return refused([found for found in (size, after) if isinstance(found, Refusal)])
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.sent_to(
            connection, actor.timebank_id, actor.subject_id or 0, after=after[0] if after else None, limit=size
        )
    items = tuple(
        MessageLine(
            id=one.id,
            kind=one.kind,
            subject=one.subject,
            body=one.body,
            path=one.path,
            created_at=one.created_at,
            state=one.delivery_state or one.state,
            channel=one.channel,
            sent_at=one.sent_at,
        )
        for one in page.items
    )
    return Response(MessagePage(items=items, next_cursor=page.next_cursor))


@get(
    "/api/v1/message-work",
    operation_id="list_message_work",
    tags=["messages"],
    guards=[needs_scope(READ, role=COORDINATOR)],
    **READING,
)
async def message_work(request: ApiRequest) -> Work:
    """What waits, what failed and why, calls to make and letters to print."""
    timebank_id = acting(request).timebank_id
    async with database(request).reading(timebank_id) as connection:
        waiting = await queries.waiting(connection, timebank_id)
        return Work(
            gathering=waiting.gathering,
            emails=waiting.emails,
            texts=waiting.texts,
            letters=waiting.letters,
            failed=tuple(_item(each) for each in await queries.failed(connection, timebank_id)),
            calls=tuple(_item(each) for each in await queries.calls(connection, timebank_id)),
            print_runs=tuple(each.number for each in await queries.batches(connection, timebank_id)),
        )


@post(
    "/api/v1/message-work/{delivery_id:int}/try-again",
    operation_id="try_message_again",
    tags=["messages"],
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def try_again(request: ApiRequest, delivery_id: FromPath[int], data: JSONBody[Nothing]) -> Response[Done]:
    """Put what failed back into the queue."""
    del data
    key = idempotency_key(request)
    try:
        done = await service.try_again(
            database(request), acting(request), _known(delivery_id), key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(Done(number=done))


@post(
    "/api/v1/message-work/{delivery_id:int}/call",
    operation_id="settle_call",
    tags=["messages"],
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def settle_call(request: ApiRequest, delivery_id: FromPath[int], data: JSONBody[CallOutcome]) -> Response[Done]:
    """Note that a call was made, or that nobody answered."""
    command = CallMade(delivery_id=_known(delivery_id), seen=data.seen, outcome=data.outcome)
    key = idempotency_key(request)
    try:
        done = await service.call_made(database(request), acting(request), command, key=key, now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(Done(number=done))


@post(
    "/api/v1/print-runs",
    operation_id="print_letters",
    tags=["messages"],
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **CHANGING,
)
async def print_letters(request: ApiRequest, data: JSONBody[Nothing]) -> Response[PrintRun]:
    """Take the letters that wait into one print run."""
    del data
    actor = acting(request)
    key = idempotency_key(request)
    number = await service.print_letters(database(request), actor, key=key, now=now(request))
    if isinstance(number, list):
        return refused(number)
    async with database(request).reading(actor.timebank_id) as connection:
        printed = await queries.printed_letters(
            connection,
            actor.timebank_id,
            await queries.batch(connection, actor.timebank_id, number),
            base_url=settings(request).base_url,
        )
    letters = tuple(
        LetterText(
            display_name=each.display_name,
            address_lines=each.address_lines,
            subject=each.letter.subject,
            paragraphs=each.letter.paragraphs,
        )
        for each in printed
    )
    return Response(PrintRun(number=number, letters=letters), status_code=201)


@post(
    "/api/v1/print-runs/{number:int}/printed",
    operation_id="mark_letters_printed",
    tags=["messages"],
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    status_code=200,
    **CHANGING,
)
async def mark_printed(request: ApiRequest, number: FromPath[int], data: JSONBody[Nothing]) -> Response[Done]:
    """Mark the letters of a print run as printed: they count as arrived a week later."""
    del data
    key = idempotency_key(request)
    try:
        done = await service.letters_printed(
            database(request), acting(request), number if 0 < number < 2**31 else 0, key=key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    return refused(done) if isinstance(done, list) else Response(Done(number=done))


def _known(delivery_id: int) -> int:
    if not 0 < delivery_id <= MAX_KEY:
        raise NotFoundException
    return delivery_id


def _item(delivery: Delivery) -> Item:
    return Item(
        id=delivery.id,
        member_id=delivery.member_id,
        channel=delivery.channel,
        state=delivery.state,
        attempts=delivery.attempts,
        trouble=delivery.trouble,
        subjects=tuple(note.subject for note in delivery.notes),
        seen=delivery.seen,
    )


ROUTES: list[Any] = [list_messages, message_work, try_again, settle_call, print_letters, mark_printed]
