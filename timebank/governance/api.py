"""Rules, settings, a new time bank and practice, for programs."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody

from timebank.banks import queries as banks
from timebank.banks.rules import Rules
from timebank.governance import queries, rules, service
from timebank.governance.queries import Version
from timebank.governance.rules import Difference
from timebank.governance.service import ChangeRules, ChangeSettings, FirstDay
from timebank.governance.start_rules import PersonLine
from timebank.identity.api_auth import acting, needs_scope
from timebank.kit.actor import ADMIN
from timebank.kit.clock import today
from timebank.web.api import CHANGING, READING, Nothing, idempotency_key, refused
from timebank.web.context import database, now

ApiRequest = Request[Any, Any, Any]
READ = "rules:read"
WRITE = "rules:write"
Name = Annotated[str, msgspec.Meta(max_length=200)]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in words; ``name`` is its key in ``document``."""

    name: str
    sentence: str


class RulesVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the rules: values, sentences, who decided it, from when it holds and what it changed."""

    version: int
    starts_on: date
    decided_by: str
    note: str
    is_in_force: bool
    document: Rules
    sentences: tuple[Said, ...]
    changes: tuple[Difference, ...]


class AllVersions(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of the rules, newest first; also those that start later."""

    items: tuple[RulesVersion, ...]


class NewRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change. ``base_version`` is the newest version you read; ``changes`` the new values as text, by rule:
    ``{"undo_minutes": "20", "approval_above_minutes": "4 hours"}``.
    """

    base_version: int
    changes: dict[str, Annotated[str, msgspec.Meta(max_length=200)]]
    decided_by: Name
    starts_on: date
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class NewVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The number of the version that was written."""

    version: int


class BankSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a time bank is called, whom to ask, where it is."""

    name: Name
    time_zone: Name
    holiday_region: Name = ""
    help_contact: Name = ""


class NewPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the first people."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^,;\t\r\n@]+$")]
    phone: Annotated[str, msgspec.Meta(pattern=r"^(\+?[0-9][0-9 ().\-/]{4,30})?$")] = ""
    email: Annotated[str, msgspec.Meta(max_length=254, pattern=r"^([^\s@<>,;]{1,64}@[^\s@<>,;]+\.[^\s@<>,;]+)?$")] = ""


class NewTimeBank(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time bank to start: ``template`` is ``usual``, ``careful`` or ``trusting``."""

    name: Name
    your_name: Name
    template: Name
    group_name: Name
    group_place: Name = ""
    group_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 90
    time_zone: Name = "Europe/London"
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "GBP"
    help_contact: Name = ""
    people: Annotated[list[NewPerson], msgspec.Meta(max_length=100)] = []


class StartedBank(msgspec.Struct, frozen=True, kw_only=True):
    """The time bank is there. Its administrator signs in by a link that ``timebank member`` or another one makes."""

    timebank_id: int
    member_id: int
    group_id: int


class PracticeBank(msgspec.Struct, frozen=True, kw_only=True):
    """A practice time bank; ``sign_in_path`` leads into it once, within minutes."""

    timebank_id: int
    sign_in_path: str


@get("/api/v1/rules", operation_id="list_rules", tags=["rules"], guards=[needs_scope(READ)], **READING)
async def list_rules(request: ApiRequest) -> Response[AllVersions]:
    """Every version of the rules, newest first."""
    found, in_force = await _versions(request)
    return Response(AllVersions(items=tuple(_shown(found, each, in_force) for each in found)))


@get("/api/v1/rules/{number:int}", operation_id="get_rules", tags=["rules"], guards=[needs_scope(READ)], **READING)
async def one_version(request: ApiRequest, number: FromPath[int]) -> Response[RulesVersion]:
    """One version of the rules."""
    found, in_force = await _versions(request)
    for each in found:
        if each.version == number:
            return Response(_shown(found, each, in_force))
    raise NotFoundException


@post(
    "/api/v1/rules",
    operation_id="change_rules",
    tags=["rules"],
    guards=[needs_scope(WRITE, role=ADMIN)],
    **CHANGING,
)
async def change(request: ApiRequest, data: JSONBody[NewRules]) -> Response[NewVersion]:
    """Write a new version of the rules and tell every member."""
    command = ChangeRules(
        base_version=data.base_version,
        boxes=data.changes,
        decided_by=data.decided_by,
        starts_on=data.starts_on,
        note=data.note,
    )
    key = idempotency_key(request)
    version = await service.change_rules(database(request), acting(request), command, key=key, now=now(request))
    if isinstance(version, list):
        return refused(version)
    return Response(NewVersion(version=version), status_code=201, headers={"Location": f"/api/v1/rules/{version}"})


@get("/api/v1/settings", operation_id="get_settings", tags=["rules"], guards=[needs_scope(READ)], **READING)
async def get_settings(request: ApiRequest) -> Response[BankSettings]:
    """What the time bank is called, whom to ask, where it is."""
    return Response(await _settings(request))


@post(
    "/api/v1/settings",
    operation_id="change_settings",
    tags=["rules"],
    guards=[needs_scope(WRITE, role=ADMIN)],
    status_code=200,
    **CHANGING,
)
async def change_settings(request: ApiRequest, data: JSONBody[BankSettings]) -> Response[BankSettings]:
    """Change what the time bank is called, whom to ask, where it is."""
    command = msgspec.convert(msgspec.structs.asdict(data), ChangeSettings)
    key = idempotency_key(request)
    done = await service.change_settings(database(request), acting(request), command, key=key, now=now(request))
    return refused(done) if isinstance(done, list) else Response(await _settings(request))


@post(
    "/api/v1/timebanks",
    operation_id="start_time_bank",
    tags=["rules"],
    guards=[needs_scope(WRITE, role=ADMIN)],
    **CHANGING,
)
async def start(request: ApiRequest, data: JSONBody[NewTimeBank]) -> Response[StartedBank]:
    """Start another time bank on this server, as an administrator of this one: all of it, or nothing."""
    command = FirstDay(
        name=data.name,
        your_name=data.your_name,
        template=data.template,
        group_name=data.group_name,
        group_place=data.group_place,
        group_minutes=data.group_minutes,
        time_zone=data.time_zone,
        currency=data.currency,
        help_contact=data.help_contact,
        people=tuple(PersonLine(name=each.name, phone=each.phone, email=each.email) for each in data.people),
    )
    key = idempotency_key(request)
    started = await service.start_at_once(database(request), acting(request), command, key=key, now=now(request))
    if isinstance(started, list):
        return refused(started)
    return Response(msgspec.convert(msgspec.structs.asdict(started), StartedBank), status_code=201)


@post(
    "/api/v1/practice",
    operation_id="open_practice",
    tags=["rules"],
    guards=[needs_scope(WRITE, role="coordinator")],
    **CHANGING,
)
async def practise(request: ApiRequest, data: JSONBody[Nothing]) -> Response[PracticeBank]:
    """Open the member's practice time bank, in which nothing is real."""
    del data
    idempotency_key(request)
    actor = acting(request)
    async with database(request).reading(actor.timebank_id) as connection:
        name = await queries.name_of(connection, actor.timebank_id, actor.member_id or 0)
    opened = await service.open_practice(database(request), actor, name, now=now(request))
    if isinstance(opened, list):
        return refused(opened)
    token = await service.way_in(database(request), opened, now=now(request))
    return Response(
        PracticeBank(timebank_id=opened.timebank_id, sign_in_path=f"/sign-in/link/{token}"), status_code=201
    )


async def _versions(request: ApiRequest) -> tuple[list[Version], int]:
    timebank_id = acting(request).timebank_id
    async with database(request).reading(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
        found = await queries.versions(connection, timebank_id)
    return found, queries.in_force(found, today(now(request), bank.time_zone)).version


def _shown(found: list[Version], version: Version, in_force: int) -> RulesVersion:
    return RulesVersion(
        version=version.version,
        starts_on=version.starts_on,
        decided_by=version.decided_by,
        note=version.note,
        is_in_force=version.version == in_force,
        document=version.document,
        sentences=tuple(Said(name=each.name, sentence=str(each.sentence)) for each in rules.said(version.document)),
        changes=tuple(queries.changes_of(found, version)),
    )


async def _settings(request: ApiRequest) -> BankSettings:
    timebank_id = acting(request).timebank_id
    async with database(request).reading(timebank_id) as connection:
        bank = await banks.by_id(connection, timebank_id)
    return BankSettings(
        name=bank.name,
        time_zone=bank.time_zone,
        holiday_region=bank.holiday_region,
        help_contact=bank.help_contact,
    )


ROUTES: list[Any] = [list_rules, one_version, change, get_settings, change_settings, start, practise]
