"""For programs: a list of members. Kept as it comes, read line by line, confirmed once."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import COORDINATOR
from timebank.kit.csv import MAX_COLUMNS
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.members import many
from timebank.members.many import Answers, ConfirmMany, LeftOut
from timebank.members.member_file import COLUMNS, MAX_LINES
from timebank.web.api import CHANGING, READING, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
WRITE = "members:write"
MAX_TEXT = 1_000_000

ByNumber = Annotated[dict[str, str], msgspec.Meta(max_length=MAX_LINES)]


class NewList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A list of members as text (CSV), or the bytes of a file in base64: CSV, .xlsx or .ods. One of the two."""

    file_name: Annotated[str, msgspec.Meta(max_length=many.MAX_FILE_NAME)] = ""
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    content: bytes = b""


class ListKept(msgspec.Struct, frozen=True, kw_only=True):
    """The list is kept under this id; nobody is added yet."""

    id: int


class ListLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line: ``state`` is ready, question, there or refused, and ``why``."""

    line: int
    display_name: str
    state: str
    why: str


class ListShown(msgspec.Struct, frozen=True, kw_only=True):
    """What confirming the list would do, line by line. After that: how many were added, and the lines that were not."""

    id: int
    is_confirmed: bool
    added: int
    there_before: int
    lines: tuple[ListLine, ...]
    left_out: tuple[LeftOut, ...]


class Confirm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers about a list. ``columns``: what a column holds, by its number from 0. ``same``: by line, ``new`` for
    another person or ``same``; ``all_same``: the same for every line without an answer.
    """

    columns: Annotated[dict[str, str], msgspec.Meta(max_length=MAX_COLUMNS)] = {}
    has_headings: bool | None = None
    same: ByNumber = {}
    all_same: Annotated[str, msgspec.Meta(max_length=10)] = ""


class ListConfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """What the list became. ``is_new`` is false when it was confirmed before: then nothing was changed."""

    is_new: bool
    added: int
    there_before: int
    left_out: int


_WRITES: dict[str, Any] = {"tags": ["members"], "guards": [needs_scope(WRITE, role=COORDINATOR)], **CHANGING}


@post("/api/v1/member-lists", operation_id="keep_member_list", **_WRITES)
async def keep(request: ApiRequest, data: JSONBody[NewList]) -> Response[ListKept]:
    """Keep a list of members, to be looked at and confirmed. The same list leads to the same id."""
    idempotency_key(request)  # the content itself is the key; asked for all the same, like everywhere
    content = data.content or data.text.encode()
    kept = await many.keep(
        database(request), acting(request), file_name=data.file_name, content=content, now=now(request)
    )
    return refused(kept) if isinstance(kept, list) else Response(ListKept(id=kept), status_code=201)


@get(
    "/api/v1/member-lists/{upload_id:int}",
    operation_id="get_member_list",
    tags=["members"],
    guards=[needs_scope(WRITE, role=COORDINATOR)],
    **READING,
)
async def show(request: ApiRequest, upload_id: FromPath[int]) -> Response[ListShown]:
    """A kept list, line by line."""
    try:
        found = await many.preview(database(request), acting(request), upload_id, Answers(), now=now(request))
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(found, list):
        return refused(found)
    upload, preview = found
    lines = () if preview is None else preview.lines
    shown = ListShown(
        id=upload.id,
        is_confirmed=preview is None,
        added=upload.added,
        there_before=upload.there_before,
        lines=tuple(
            ListLine(line=one.number, display_name=one.line.details.display_name, state=one.state, why=one.why)
            for one in lines
        ),
        left_out=upload.left_out if preview is None else tuple(many.left_out(preview)),
    )
    return Response(shown)


@post("/api/v1/member-lists/{upload_id:int}/confirm", operation_id="confirm_member_list", **_WRITES)
async def confirm(request: ApiRequest, upload_id: FromPath[int], data: JSONBody[Confirm]) -> Response[ListConfirmed]:
    """Add every ready line as a member; the others are kept with the reason."""
    answers = _answers(data)
    if isinstance(answers, Refusal):
        return refused([answers])
    try:
        done = await many.confirm(
            database(request),
            acting(request),
            ConfirmMany(upload_id=upload_id, answers=answers),
            key=idempotency_key(request),
            now=now(request),
        )
    except LookupError as error:
        raise NotFoundException from error
    if isinstance(done, list):
        return refused(done)
    return Response(
        ListConfirmed(is_new=done.is_new, added=done.added, there_before=done.there_before, left_out=done.left_out),
        status_code=201,
    )


def _answers(data: Confirm) -> Answers | Refusal:
    numbered: list[dict[int, str]] = []
    for field, given, allowed in (
        ("columns", data.columns, {"", *COLUMNS}),
        ("same", data.same, {many.NEW, many.SAME}),
    ):
        found: dict[int, str] = {}
        for number, value in given.items():
            if not (number.isascii() and number.isdecimal() and int(number[:20]) <= MAX_KEY) or value not in allowed:
                return Refusal("answer_unknown", f"Give for each number one of: {', '.join(sorted(allowed))}.", field)
            found[int(number)] = value
        numbered.append(found)
    if data.all_same not in ("", many.NEW, many.SAME):
        return Refusal("answer_unknown", "Give “new” or “same”, or leave it empty.", "all_same")
    columns, same = numbered
    return Answers(columns=columns, has_headings=data.has_headings, same=same, all_same=data.all_same)


ROUTES: list[Any] = [keep, show, confirm]
