"""What every page of a register needs: who may see it, the group and its people, and the page itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import NotFoundException, PermissionDeniedException

from timebank.contributions import (
    leading,
    queries,
    register_form,
    register_lines,
    register_people,
    rules,
)
from timebank.contributions.choosing import Directory
from timebank.contributions.queries import Group
from timebank.contributions.register_compare import Comparison
from timebank.contributions.register_form import Before
from timebank.contributions.register_people import Guests, Recorded
from timebank.contributions.register_sheet import Sheet
from timebank.db import Connection
from timebank.kit.actor import COORDINATOR
from timebank.kit.clock import today
from timebank.members import queries as members
from timebank.web.context import now
from timebank.web.forms import BLANK, Form
from timebank.web.pages import render
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]

PEER_EXCHANGE = "peer_exchange"
REFERENCE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
CSV_TYPE = "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class World:
    """What a register's page needs to know besides what is typed."""

    group: Group
    directory: Directory
    guests: Guests
    is_exchange: bool
    sees_everybody: bool
    sources: Sequence[tuple[int, str]] = ()  # groups and organisations that are members
    listed: Sequence[Before] = ()  # the people of the one that was chosen


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What is recorded for this group and day already, beside what was typed."""

    recorded: Sequence[Recorded]
    comparison: Comparison

    @property
    def references(self) -> list[str]:
        """The registers, in the order in which they were saved."""
        return list(dict.fromkeys(one.reference for one in self.recorded))


def attachment(content: str, name: str) -> Response[bytes]:
    """A CSV file to keep, marked so that spreadsheets read it as UTF-8."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in name)
    headers = {"Content-Disposition": f"attachment; filename=\"{safe}\"; filename*=UTF-8''{quote(name)}"}
    return Response(("\ufeff" + content).encode(), media_type=CSV_TYPE, headers=headers)


async def led_by_viewer(request: PageRequest, connection: Connection) -> frozenset[int] | None:
    """The ids of the groups that the viewer leads; None for a coordinator, who may log every group.

    Raises:
        PermissionDeniedException: the viewer neither coordinates nor leads a group.
    """
    led = await leading.groups_led(connection, viewer(request).actor)
    if led is not None and not led:
        raise PermissionDeniedException
    return led


async def the_world(
    request: PageRequest, connection: Connection, group_id: int, form: Form = BLANK, ids: Sequence[int] = ()
) -> World:
    """The group and who may be on its register; for a session leader with first names only.

    Raises:
        PermissionDeniedException: the viewer neither coordinates nor leads this group.
        NotFoundException: this time bank has no such group.
    """
    actor = viewer(request).actor
    led = await led_by_viewer(request, connection)
    if led is not None and group_id not in led:
        raise PermissionDeniedException
    group = await queries.group(connection, actor.timebank_id, group_id)
    if group is None:
        raise NotFoundException
    sees_everybody = actor.has(COORDINATOR)
    day = today(now(request), viewer(request).time_zone)
    come = await register_people.who_come(connection, actor.timebank_id, group_id, today=day)
    sources = await members.groups(connection, actor.timebank_id) if sees_everybody else []
    of = form.text("of")
    chosen = next((one.id for one in sources if form.has("members-of") and str(one.id) == of), None)
    listed = await register_people.in_group(connection, actor.timebank_id, chosen) if chosen else []
    directory = await register_people.directory(
        connection,
        actor.timebank_id,
        only_first_names=not sees_everybody,
        ids=(*ids, *come, *listed, *register_form.listed_ids(form)),
        typed=register_form.typed_names(form),
    )
    guests = await register_people.waiting_guests(connection, actor.timebank_id)
    kind = await register_people.work_kind(connection, actor.timebank_id, group_id)
    return World(
        group,
        directory,
        guests,
        kind == PEER_EXCHANGE,
        sees_everybody,
        [(one.id, one.display_name) for one in sources],
        [Before(name=directory.shown[one], member_id=one) for one in listed if one in directory.members],
    )


def _common(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    """The fields that are said once for everybody, as the macros of the page read them."""
    return {
        "date": (sheet.day,),
        "length": (sheet.length,),
        "start": (sheet.start,),
        "prep": (sheet.prep,),
        "travel": (sheet.travel,),
        "agreed": (sheet.agreed,),
        "reason-all": (sheet.reason,),
        "names": (sheet.names,),
    }


def show_register(
    request: PageRequest,
    world: World,
    sheet: Sheet,
    form: Form,
    *,
    because: str = "",
    left_off: int = 0,
    meanwhile: Meanwhile | None = None,
) -> Response[str]:
    """The page of a register with what is typed in it; ``meanwhile`` beside what is saved already.

    ``because`` says why people have a tick (see :func:`register_people.offered`), ``left_off`` how many did not fit.
    """
    in_short = register_lines.in_short(form.refusals)
    repeats = ((one.field, REFERENCE.search(one.message)) for one in form.refusals if one.field)
    there = [row.member_id for row in sheet.people if row.member_id]
    return render(
        request,
        "contributions/register.html",
        422 if form.refusals else 200,
        form=replace(form, fields={**form.fields, **_common(sheet)}),
        group=world.group,
        sheet=sheet,
        world=world,
        choices=register_people.choices(world.directory, there),
        labels=world.directory.labels,
        because=because,
        left_off=left_off,
        meanwhile=meanwhile,
        other_entry={field: found[0] for field, found in repeats if found and field.startswith("reason-")},
        summary=form.refused(in_short),
        same_reason=len(in_short) < len(form.refusals) or bool(sheet.reason),
        max_what=rules.MAX_WHAT,
        came=sum(row.came for row in sheet.people),
    )
