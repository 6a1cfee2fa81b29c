"""Reading the forms of this room, and what they offer to choose from."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Clock, FullDay, Minutes, Words, say
from timebank.peers import rules
from timebank.peers.cards import Card, Filters
from timebank.peers.rules import Offered
from timebank.peers.words import CATEGORIES, HOWS, TIMES
from timebank.web.forms import Form

DAYS_AHEAD = 42
FIRST_HOUR, LAST_HOUR = 8, 21
CHOSEN = ("day", "time", "minutes", "how")
"""What may stand in an address while somebody shows who they are; what they wrote may not."""

Options = list[tuple[str, Words]]


def lengths(*also: int | None) -> Options:
    """How long: what the page offers, and what it is now."""
    known = sorted({*rules.LENGTHS, *(each for each in also if each)})
    return [(str(minutes), say("{length}", length=Minutes(minutes))) for minutes in known]


def days(now: datetime, time_zone: str, chosen: datetime | None = None) -> Options:
    """The next days to choose from, and the chosen one."""
    first = today(now, time_zone)
    known = {first + timedelta(days=n) for n in range(DAYS_AHEAD)}
    if chosen is not None:
        known.add(today(chosen, time_zone))
    return [(day.isoformat(), say("{day}", day=FullDay(day))) for day in sorted(known)]


def times(chosen: time | None = None) -> Options:
    """Half hours to choose from, and the chosen time."""
    known = {time(hour, minute) for hour in range(FIRST_HOUR, LAST_HOUR) for minute in (0, 30)} | {time(LAST_HOUR)}
    if chosen is not None:
        known.add(chosen.replace(second=0, microsecond=0))
    return [(each.strftime("%H:%M"), say("{time}", time=Clock(each))) for each in sorted(known)]


def local_time(moment: datetime, time_zone: str) -> time:
    """The time on the wall of the time bank."""
    return moment.astimezone(ZoneInfo(time_zone)).time()


def when_fields(moment: datetime | None, time_zone: str) -> dict[str, str]:
    """The two fields of a moment, to fill a form."""
    if moment is None:
        return {}
    there = moment.astimezone(ZoneInfo(time_zone))
    return {"day": there.date().isoformat(), "time": there.strftime("%H:%M")}


def starts_at(form: Form, time_zone: str, *, needed: bool = False) -> datetime | Refusal | None:
    """The chosen moment; None for "let us agree". Refusals: ``day_missing``, ``time_missing``."""
    day, at = form.text("day"), form.text("time")
    if not day and not at and not needed:
        return None
    try:
        chosen_day = date.fromisoformat(day)
    except ValueError:
        return Refusal("day_missing", say("Choose the day too."), "day")
    try:
        chosen_time = time.fromisoformat(at)
    except ValueError:
        return Refusal("time_missing", say("Choose the time too."), "time")
    return datetime.combine(chosen_day, chosen_time.replace(tzinfo=None), ZoneInfo(time_zone))


def minutes(form: Form, name: str = "minutes") -> int:
    """The chosen length; 0 for what is none."""
    typed = form.text(name)
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 5 else 0


def offered(form: Form) -> Offered:
    """An offer or a wish as it was typed."""
    return Offered(
        title=form.text("title"),
        category=form.text("category"),
        minutes=minutes(form),
        details=form.text("details"),
        times=form.all("times"),
        hows=form.all("hows"),
    )


def filled(card: Card) -> Form:
    """The form of an offer or a wish as it is now."""
    return Form.blank(
        title=card.title,
        category=card.category,
        minutes=card.minutes,
        details=card.details,
        times=card.times,
        hows=card.hows,
    )


def filters(query: object) -> Filters:
    """What somebody looks for, from the address; what is not in the lists looks for anything."""
    get = query.get  # type: ignore[attr-defined]
    known = {each.code for each in CATEGORIES}
    category, when, how = get("category", ""), get("when", ""), get("how", "")
    return Filters(
        words=get("q", "").replace("\0", "")[:100],
        category=category if category in known else "",
        when=when if when in TIMES else "",
        how=how if how in HOWS else "",
    )


def chosen(query: object) -> dict[str, str]:
    """What somebody chose before they showed who they are, from the address."""
    get = query.get  # type: ignore[attr-defined]
    return {name: get(name)[:20].replace("\0", "") for name in CHOSEN if get(name)}
