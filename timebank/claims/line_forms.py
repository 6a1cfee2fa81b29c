"""The form of one cost: read with every complaint beside its field, and filled from what is there."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from litestar import Request

from timebank.claims import rules, service, web_photos
from timebank.claims.occasions import TIME
from timebank.claims.queries import LastTrip, Line
from timebank.claims.service import NewLine
from timebank.kit import durations, money
from timebank.kit.actor import Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.web import forms
from timebank.web.context import database, now
from timebank.web.forms import Form
from timebank.web.viewer import viewer

PageRequest = Request[Any, Any, Any]


async def read(request: PageRequest, form: Form, *, besides: tuple[str, int]) -> tuple[NewLine | None, Form]:
    """Read the form as far as it goes; every complaint is beside the field that it is about."""
    person = viewer(request)
    actor: Actor = person.actor
    receipt_id, refusal = await web_photos.take_photo(request, actor, person.subject_id, form)
    form = replace(form, fields={**form.fields, "receipt_id": (str(receipt_id or ""),)})
    kind, occasion = form.text("kind"), form.text("session")
    on = today(now(request), person.time_zone)
    day, amount = _day(form, on), _amount(form, kind, person.currency)
    refusals = [one for one in (refusal, day, amount) if isinstance(one, Refusal)]
    if kind not in rules.KINDS:
        return None, form
    # What cannot be read yet stands as something harmless, so that the other complaints show at once.
    line = NewLine(
        kind=kind,
        day=on if isinstance(day, Refusal) else day,
        what_for=form.text("what_for"),
        session_id=_number(occasion),
        contribution_id=_number(occasion[1:]) if occasion.startswith(TIME) else None,
        receipt_id=receipt_id,
        no_receipt_why=form.text("no_receipt_why"),
        duplicate_reason=form.text("again"),
        **({} if isinstance(amount, Refusal) else amount),
    )
    seen = {one.field for one in refusals}
    found = await service.check_cost(database(request), actor, line, besides=besides, now=now(request))
    refusals += [one for one in placed(form, found) if one.field not in seen and one.code != "duplicate"]
    if refusals:
        return None, form.refused(refusals)
    return line, form


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 18 else None


def _amount(form: Form, kind: str, currency: str) -> dict[str, int] | Refusal:
    if kind == rules.MILEAGE:
        tenths = rules.parse_miles(form.text("miles"))
        return tenths if isinstance(tenths, Refusal) else {"tenths_of_mile": tenths}
    if kind == rules.CARER:
        minutes = durations.parse(form.text("length"), field="length")
        return minutes if isinstance(minutes, Refusal) else {"minutes": minutes}
    pence = money.parse(form.text("amount"), currency, field="amount")
    return pence if isinstance(pence, Refusal) else {"pence": pence}


def _day(form: Form, on: date) -> date | Refusal:
    if any(form.text(f"on-{part}") for part in ("day", "month", "year")):
        return form.date("on")
    if form.text("day") in ("today", "yesterday"):
        return on - timedelta(days=form.text("day") == "yesterday")
    return Refusal("date_missing", say("Choose the day."), "day")


def placed(form: Form, refusals: list[Refusal]) -> list[Refusal]:
    """Refusals beside the field that was really used: the choice of a day, or what was typed instead of it."""
    is_typed = any(form.text(f"on-{part}") for part in ("day", "month", "year"))
    return [replace(one, field="on") if one.field == "day" and is_typed else one for one in refusals]


def filled(line: Line, currency: str) -> Form:
    """The form of a cost that is kept."""
    return Form.blank(
        amount=money.decimal(line.pence, currency) if line.kind not in rules.RATED else None,
        miles=rules.miles_in_words(line.tenths_of_mile) if line.tenths_of_mile else None,
        length=durations.in_words(line.minutes) if line.minutes else None,
        what_for=line.what_for,
        session=f"{TIME}{line.contribution_id}" if line.contribution_id else str(line.session_id or ""),
        receipt_id=str(line.receipt_id or ""),
        no_receipt_why=line.no_receipt_why,
        again=line.duplicate_reason,
        **forms.date_fields("on", line.day),
    )


def filled_from(trip: LastTrip, currency: str) -> Form:
    """The form of the last journey once more, today."""
    return Form.blank(
        day="today",
        amount=money.decimal(trip.pence, currency) if trip.kind != rules.MILEAGE else None,
        miles=rules.miles_in_words(trip.tenths_of_mile) if trip.tenths_of_mile else None,
        what_for=trip.what_for,
        no_receipt_why=trip.no_receipt_why,
    )
