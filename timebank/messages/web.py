"""Pages of messages: what we sent you, and for coordinators what waits, failed, must be printed or called."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from timebank import paper
from timebank.kit.actor import COORDINATOR
from timebank.kit.paging import DEFAULT_PAGE_SIZE, MAX_KEY, parse_cursor
from timebank.kit.refusal import Refusal
from timebank.messages import queries, service
from timebank.messages.queries import Delivery, PrintedLetter
from timebank.messages.rules import SMS
from timebank.messages.service import CallMade
from timebank.messages.texts import OUTBOX_URL
from timebank.paper import Spelling
from timebank.web import forms
from timebank.web.context import database, now, settings
from timebank.web.forms import BLANK, Form
from timebank.web.pages import is_local_path, redirect, render
from timebank.web.viewer import requires_role, signed_in, viewer

PageRequest = Request[Any, Any, Any]

FOR_COORDINATORS = [requires_role(COORDINATOR)]
WORK = "/messages/to-do"
REFUSED = 422


@get("/messages", guards=[signed_in])
async def my_messages(request: PageRequest) -> Response[Any]:
    """What we sent to the member, newest first."""
    actor = viewer(request).actor
    cursor = request.query_params.get("after", "")
    after = parse_cursor(cursor) if cursor else None
    if isinstance(after, Refusal) or actor.subject_id is None:
        raise NotFoundException
    async with database(request).reading(actor.timebank_id) as connection:
        page = await queries.sent_to(
            connection, actor.timebank_id, actor.subject_id, after=after[0] if after else None, limit=DEFAULT_PAGE_SIZE
        )
    older = f"/messages?after={page.next_cursor}" if page.next_cursor else None
    return render(request, "messages/mine.html", messages=page.items, older=older, is_first_page=after is None)


@get("/m/{message_id:int}", guards=[signed_in])
async def short_link(request: PageRequest, message_id: FromPath[int]) -> Response[Any]:
    """Where the short link of a text message leads: the page it is about, or the list of messages."""
    actor = viewer(request).actor
    path = None
    if 0 < message_id <= MAX_KEY and actor.subject_id is not None:
        async with database(request).reading(actor.timebank_id) as connection:
            path = await queries.path_of(connection, actor.timebank_id, message_id, actor.subject_id)
    if path is None:
        raise NotFoundException
    return redirect(request, path if is_local_path(path) else "/messages")


@get(WORK, guards=FOR_COORDINATORS)
async def to_do(request: PageRequest) -> Response[Any]:
    """What waits, what failed and why, letters to print and calls to make."""
    return await _work_page(request, BLANK)


@post("/messages/deliveries/{delivery_id:int}/again", guards=FOR_COORDINATORS, status_code=303)
async def try_again(request: PageRequest, delivery_id: FromPath[int]) -> Response[Any]:
    """Put what failed back into the queue."""
    form = await forms.read(request)
    try:
        done = await service.try_again(
            database(request), viewer(request).actor, _id(delivery_id), key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _work_page(request, form.refused(done), REFUSED)
    return redirect(request, WORK, notice="It is tried again within a minute or two.")


@post("/messages/calls/{delivery_id:int}", guards=FOR_COORDINATORS, status_code=303)
async def call_made(request: PageRequest, delivery_id: FromPath[int]) -> Response[Any]:
    """Note that a call was made, or that nobody answered."""
    form = await forms.read(request)
    seen = form.text("seen")
    command = CallMade(
        delivery_id=_id(delivery_id),
        seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 19 else 0,
        outcome="no_answer" if form.text("outcome") == "no_answer" else "told",
    )
    try:
        done = await service.call_made(
            database(request), viewer(request).actor, command, key=form.key, now=now(request)
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _work_page(request, form.refused(done), REFUSED)
    notice = "Thank you for calling." if command.outcome == "told" else "They stay on the list. Try another time."
    return redirect(request, WORK, notice=notice)


@post("/messages/letters", guards=FOR_COORDINATORS, status_code=303)
async def print_letters(request: PageRequest) -> Response[Any]:
    """Take the letters that wait into one print run; leads to its page."""
    form = await forms.read(request)
    number = await service.print_letters(database(request), viewer(request).actor, key=form.key, now=now(request))
    if isinstance(number, list):
        return await _work_page(request, form.refused(number), REFUSED)
    return redirect(request, f"/messages/letters/{number}")


@get("/messages/letters/{number:int}", guards=FOR_COORDINATORS)
async def letters(request: PageRequest, number: FromPath[int]) -> Response[Any]:
    """The letters of one print run, each on a page of its own."""
    found, printed = await _letters(request, number)
    is_open = any(each.state == "waiting" for each in found)
    return render(request, "messages/letters.html", number=number, letters=printed, is_open=is_open)


@get("/messages/letters/{number:int}/pdf", guards=FOR_COORDINATORS)
async def letters_pdf(request: PageRequest, number: FromPath[int]) -> Response[bytes]:
    """The same as a tagged PDF, in large print for those who like it."""
    _, printed = await _letters(request, number)
    data = {
        "title": f"Letters {number}",
        "timebank": viewer(request).timebank_name or "",
        "letters": [
            {
                "name": Spelling(text=each.display_name, otherwise=f"Member {each.number}"),
                "address": list(each.address_lines),
                "subject": each.letter.subject,
                "large": each.is_large,
                "language": each.letter.language,
                "parts": [{"text": part, "heading": part in each.letter.headings} for part in each.letter.paragraphs],
            }
            for each in printed
        ],
    }
    content = await asyncio.to_thread(paper.pdf, "letters", data)  # setting pages would hold up everybody else
    headers = {"Content-Disposition": f'inline; filename="letters-{number}.pdf"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


@post("/messages/letters/{number:int}/printed", guards=FOR_COORDINATORS, status_code=303)
async def letters_printed(request: PageRequest, number: FromPath[int]) -> Response[Any]:
    """Mark the letters of a print run as printed."""
    form = await forms.read(request)
    try:
        done = await service.letters_printed(
            database(request),
            viewer(request).actor,
            number if 0 < number < 2**31 else 0,
            key=form.key,
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return await _work_page(request, form.refused(done), REFUSED)
    return redirect(request, WORK, notice="The letters are marked as printed. Post them today.")


@get("/messages/texts", guards=FOR_COORDINATORS)
async def kept_texts(request: PageRequest) -> Response[Any]:
    """The text messages that were kept instead of sent, where texts are set up like that."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        texts = await queries.texts(connection, timebank_id)
    return render(request, "messages/texts.html", texts=texts)


async def _letters(request: PageRequest, number: int) -> tuple[list[Delivery], list[PrintedLetter]]:
    """The letters of one print run, and what is on their paper."""
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        found = await queries.batch(connection, timebank_id, number) if 0 < number < 2**31 else []
        printed = await queries.printed_letters(connection, timebank_id, found, base_url=settings(request).base_url)
    if not found:
        raise NotFoundException
    return found, printed


async def _work_page(request: PageRequest, form: Form, status: int = 200) -> Response[Any]:
    timebank_id = viewer(request).actor.timebank_id
    async with database(request).reading(timebank_id) as connection:
        waiting = await queries.waiting(connection, timebank_id)
        failed = await queries.failed(connection, timebank_id)
        calls = await queries.calls(connection, timebank_id)
        batches = await queries.batches(connection, timebank_id)
    return render(
        request,
        "messages/to_do.html",
        status,
        form=form,
        waiting=waiting,
        failed=failed,
        calls=calls,
        batches=batches,
        keeps_texts=settings(request).sms_url == OUTBOX_URL,
        by_words={"email": "E-mail", SMS: "Text message", "phone": "Phone call", "letter": "Letter"},
    )


def _id(number: int) -> int:
    if not 0 < number <= MAX_KEY:
        raise NotFoundException
    return number


ROUTES: list[Any] = [
    my_messages,
    short_link,
    to_do,
    try_again,
    call_made,
    print_letters,
    letters,
    letters_pdf,
    letters_printed,
    kept_texts,
]
