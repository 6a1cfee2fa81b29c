"""When a message goes out, what goes together, what it says, and when it arrived. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from timebank import languages
from timebank.kit.clock import today
from timebank.kit.words import mark, say, say_n
from timebank.kit.working_days import next_working_day

EMAIL, SMS, PHONE, LETTER = "email", "sms", "phone", "letter"
CHANNELS = (EMAIL, SMS, PHONE, LETTER)
HOW_SENT = {
    EMAIL: mark("You get this by e-mail. Tell us if you want it another way."),
    PHONE: mark("You get this by phone. Tell us if you want it another way."),
    LETTER: mark("You get this by letter. Tell us if you want it another way."),
}
BY_HAND = (PHONE, LETTER)  # people do it: letters are printed, calls are made

DIGEST_AFTER = timedelta(minutes=15)
MAX_A_DAY = 3
MORNING, EVENING = time(8), time(21)  # text messages go out between these
LETTER_DAYS = 7

RETRY_FIRST = timedelta(minutes=5)
RETRY_LONGEST = timedelta(hours=12)
GIVE_UP_AFTER = timedelta(days=5)  # as mail servers do: RFC 5321, 4.5.4.1
TOO_OLD_AFTER = timedelta(days=14)

GAVE_UP = "We tried for {days} days. Last time: {why}"
TOO_OLD = "It waited for {days} days and nobody could send it."
MAX_TEXT_MESSAGE = 306  # two parts of 153 characters
MAX_TROUBLE = 200


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it is put into a delivery."""

    id: int
    subject: str
    body: str
    path: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out to one person, in words: a subject, a greeting, paragraphs, and who sends it.

    ``headings`` are those paragraphs that begin a message, where there are several.
    """

    subject: str
    paragraphs: tuple[str, ...]
    headings: tuple[str, ...] = ()
    language: str = languages.SOURCE

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return languages.LANGUAGES[self.language].direction

    @property
    def text(self) -> str:
        """The whole text, paragraphs apart."""
        return "\n\n".join(self.paragraphs) + "\n"


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many tries: 5 minutes, then three times as long each time, at most 12 hours."""
    factor: int = 3 ** min(max(attempts, 1) - 1, 10)
    return min(RETRY_FIRST * factor, RETRY_LONGEST)


def next_try(*, queued_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """When to try again after ``attempts`` tries; None when the time is up."""
    at = now + retry_after(attempts)
    return at if at - queued_at <= GIVE_UP_AFTER else None


def local(moment: datetime, time_zone: str) -> datetime:
    """The moment on the clocks of the time bank."""
    return moment.astimezone(ZoneInfo(time_zone))


def start_of_day(now: datetime, time_zone: str) -> datetime:
    """When the present day of the time bank began."""
    return datetime.combine(today(now, time_zone), time(), ZoneInfo(time_zone))


def next_morning(now: datetime, time_zone: str) -> datetime:
    """Eight o'clock of the next day of the time bank."""
    day = today(now, time_zone) + timedelta(days=1)
    return datetime.combine(day, MORNING, ZoneInfo(time_zone))


def not_at_night(now: datetime, time_zone: str) -> datetime:
    """Now, or when it is between 21:00 and 8:00 in the time bank, the next 8:00."""
    here = local(now, time_zone)
    if here.time() < MORNING:
        return datetime.combine(here.date(), MORNING, ZoneInfo(time_zone))
    return now if here.time() < EVENING else next_morning(now, time_zone)


def goes_now(
    *, channel: str, oldest: datetime, is_urgent: bool, sent_today: int, now: datetime, time_zone: str
) -> bool:
    """True when what waits for a member is packed into a delivery.

    What is urgent goes at once. Otherwise messages wait a quarter of an hour for company, and after three deliveries
    on one day until the next morning. What people do by hand is packed at once: it waits in a list anyway.
    """
    if is_urgent or channel in BY_HAND:
        return True
    if sent_today >= MAX_A_DAY and oldest >= start_of_day(now, time_zone):
        return False
    if sent_today >= MAX_A_DAY and local(now, time_zone).time() < MORNING:
        return False
    return now - oldest >= DIGEST_AFTER


def arrived_on(*, channel: str, sent_at: datetime, time_zone: str, region: str) -> date:
    """The day from which limits count: the day it was sent, for a letter a week after printing; a working day.

    ``channel`` is empty for members who get no messages: theirs count like letters, from when they were on the page.
    """
    day = today(sent_at, time_zone)
    if channel in (LETTER, ""):
        day += timedelta(days=LETTER_DAYS)
    return next_working_day(day, region)


def compose(
    notes: Sequence[Note],
    *,
    display_name: str,
    timebank_name: str,
    help_contact: str,
    base_url: str,
    channel: str,
    language: str = languages.SOURCE,
) -> Letter:
    """The e-mail, letter or call of one or several messages, in a language. On paper there are no links.

    What several messages say alike is said once, at the end.
    """
    with languages.speaking(language):
        return _composed(notes, display_name, timebank_name, help_contact, base_url, channel)


def _composed(
    notes: Sequence[Note], display_name: str, timebank_name: str, help_contact: str, base_url: str, channel: str
) -> Letter:
    said = [_paragraphs(note, base_url if channel == EMAIL else "") for note in notes]
    times = Counter(part for each in said for part in dict.fromkeys(each))
    parts = [languages.translate(say("Hello {name},", name=display_name))]
    for note, each in zip(notes, said, strict=True):
        if len(notes) > 1:
            parts.append(note.subject)
        parts += [part for part in each if times[part] == 1]
    parts += [part for part, count in times.items() if count > 1]
    parts.append(timebank_name)
    if help_contact:
        parts.append(languages.translate(say("Need help? {contact}", contact=help_contact)))
    parts.append(languages.gettext(HOW_SENT[channel]))
    count = len(notes)
    several = say_n(count, "{n} message for you", "{n} messages for you")
    subject = notes[0].subject if count == 1 else languages.translate(several)
    headings = tuple(note.subject for note in notes) if len(notes) > 1 else ()
    return Letter(subject=subject, paragraphs=tuple(parts), headings=headings, language=languages.current().code)


def _paragraphs(note: Note, base_url: str) -> list[str]:
    parts = [part.strip() for part in note.body.split("\n\n") if part.strip()]
    if note.path and base_url:
        parts.append(languages.translate(say("See it here: {address}", address=base_url + note.path)))
    return parts


def text_message(notes: Sequence[Note], *, base_url: str, language: str = languages.SOURCE) -> str:
    """What a text says: the subject and a short link, never the name of the time bank or of a group."""
    if len(notes) == 1:
        link = f" {base_url}/m/{notes[0].id}"
        words = notes[0].subject
    else:
        several = say_n(len(notes), "You have {n} new message.", "You have {n} new messages.")
        link, words = f" {base_url}/messages", languages.translate(several, language)
    room = MAX_TEXT_MESSAGE - len(link)
    return (words if len(words) <= room else words[: room - 1].rstrip() + "…") + link


def shorten(why: str) -> str:
    """Why something failed, short enough to be kept."""
    return why if len(why) <= MAX_TROUBLE else why[: MAX_TROUBLE - 1] + "…"
