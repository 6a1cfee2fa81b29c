"""TimeOverflow: the two files that its administrators import and export, both without headings.

Columns as in its own importers of users and of transfers (coopdevs/timeoverflow). Members go by their number in the
organisation; the organisation's own account is written with the type ``organization`` and is the programme here.
"""

from timebank.imports.formats.base import Field, Format, Texts

SOURCE = "timeoverflow"
PROGRAMME = "organization"


def _user(texts: Texts) -> Texts:
    name = " ".join(texts.get(part, "") for part in ("first", "last", "last2"))
    return {**texts, "name": " ".join(name.split()), "phone": texts.get("phone") or texts.get("phone2", "")}


def _transfer(texts: Texts) -> Texts:
    return {
        **texts,
        "payer": _account(texts.get("payer", ""), texts.get("payer_type", "")),
        "payee": _account(texts.get("payee", ""), texts.get("payee_type", "")),
    }


def _account(number: str, kind: str) -> str:
    return PROGRAMME if kind.strip().casefold() == PROGRAMME else number


FORMATS = (
    Format(
        name="timeoverflow-users",
        label="TimeOverflow: members",
        kind="members",
        source=SOURCE,
        unit="",
        fields=(
            Field("code", "Member number", ("member id", "member uid"), is_needed=True),
            Field("joined", "Joined on", ("entry date",)),
            Field("first", "First name", ("first name", "name", "username"), is_needed=True),
            Field("last", "First surname", ("surname 1", "surname", "last name")),
            Field("last2", "Second surname", ("surname 2",)),
            Field("gender", "Gender", ("gender",)),
            Field("born", "Date of birth", ("date of birth",)),
            Field("phone", "Phone", ("phone",)),
            Field("phone2", "Other phone", ("alt phone",)),
            Field("email", "E-mail", ("email", "e mail")),
        ),
        positions=("code", "joined", "first", "last", "last2", "gender", "born", "phone", "phone2", "email"),
        min_cells=3,
        adapt=_user,
        example="1,2015-03-02,Ada,Example,Sample,female,1970-05-04,600000001,,ada@example.org",
    ),
    Format(
        name="timeoverflow-transfers",
        label="TimeOverflow: transfers",
        kind="exchanges",
        source=SOURCE,
        unit="seconds",
        fields=(
            Field("payer", "Who received help", ("source id",), is_needed=True),
            Field("payer_type", "Type of the account it comes from", ("source type",), is_needed=True),
            Field("payee", "Who gave it", ("destination id",), is_needed=True),
            Field("payee_type", "Type of the account it goes to", ("destination type",), is_needed=True),
            Field("amount", "Seconds", ("amount",), is_needed=True),
            Field("date", "When", ("created at",), is_needed=True),
            Field("words", "What for", ("reason",)),
            Field("post", "Number of the post", ("post id",)),
        ),
        positions=("payer", "payer_type", "payee", "payee_type", "amount", "date", "words", "post"),
        min_cells=6,
        programme=PROGRAMME,
        adapt=_transfer,
        example="2,Member,1,Member,5400,2016-04-12 17:30:00 UTC,Repaired a lamp,31",
    ),
)
