"""Who and what is in the demo. All of it is invented."""

from dataclasses import dataclass

SEED = 20260314

RIVERSIDE = "riverside"
HARBOUR = "harbour"

PARTICIPANT = "Amina Yusuf"
COORDINATOR = "Dilys Pryce-Jones"
SECOND_COORDINATOR = "Noel Ó Briain"
FINANCE = "Farid Rahimi"
ADMINISTRATOR = "Olu Bankole"
APPROVER = "Joan D’Arcy"
HARBOUR_COORDINATOR = "Sefu Otieno"

STAFF = {
    COORDINATOR: ("coordinator",),
    SECOND_COORDINATOR: ("coordinator",),
    FINANCE: ("finance",),
    ADMINISTRATOR: ("admin", "finance"),
    APPROVER: ("approver",),
    HARBOUR_COORDINATOR: ("coordinator", "finance"),
}

RIVERSIDE_PEOPLE = (
    PARTICIPANT,
    "Bernard O'Leary",
    "Chidi Okafor",
    COORDINATOR,
    "Eun-ji Park",
    FINANCE,
    "Grace Adeyemi",
    "Hana Nováková",
    "Idris Walker",
    "Joan D’Arcy",
    "Kofi Mensah",
    "Lena Björk",
    "Maryam al-Hashimi",
    SECOND_COORDINATOR,
    ADMINISTRATOR,
    "Peter Quill-Hughes",
    "Qadira Rahman",
    "Ruth Goldberg",
    "Samir Haddad",
    "Tess Whitlock",
    "Umar Farooq",
    "Violet Nash",
    "Winston Clarke",
    "Xin Li",
    "Yolanda Ruiz",
    "Zofia Nowak",
    "Arthur Penrose",
    "Bushra Khan",
    "Callum Fraser",
    "Dorothy Akintola",
    "Elif Demir",
    "Francis Obi",
    "Gwen Thomas",
    "Harpreet Gill",
    "Isla Campbell",
    "Jamal Edwards",
    "Kateryna Bondar",
    "Leroy Baptiste",
    "Mina Soltani",
    "Nora Kelly",
    "مريم الهاشمي",
)

HARBOUR_PEOPLE = (HARBOUR_COORDINATOR, "Ada Lindqvist", "Boris Petrov", "Carmen Vidal", "Deon Smit", "Esi Owusu")

ABILITIES = (
    "Company on a walk",
    "Help with forms and letters",
    "Setting up a phone",
    "Cooking for a group",
    "Reading aloud",
    "Looking after a garden",
    "Speaking at meetings",
    "",
)


MOVED = 10
ROUTES = ("email", "sms", "none", "letter", "phone")


def reached_by(number: int) -> dict[str, str]:
    """How the demo's member of this number is reached: each way in turn, with addresses and numbers nobody has."""
    return {
        "contact_route": ROUTES[number % len(ROUTES)],
        # One has moved: the demo's mail server refuses it, as real ones do.
        "email": f"{'moved' if number == MOVED else 'member'}{number}@riverside.example",
        "phone": f"01632 960 {200 + number}",  # kept for drama and the like
        "postal_address": f"{number + 1} High Street\nRiverside\nRV1 1ZZ",
    }


@dataclass(frozen=True)
class Group:
    """A stream of work: how long a session is, how often it meets, how many come, what they do."""

    name: str
    place: str
    minutes: int
    weekday: int
    every_weeks: int
    people: int
    what: str


GROUPS = (
    Group("Tuesday lunch club", "Riverside Hall", 120, 1, 1, 13, "Cooked and served lunch"),
    Group("Hospital café advisers", "St Anne’s Hospital", 90, 2, 2, 6, "Advised on the new café"),
    Group("Reading panel", "At home", 60, 4, 1, 8, "Read a draft leaflet and sent notes"),
    Group("Garden group", "The walled garden", 150, 5, 2, 9, "Planted and watered"),
    Group("Easy Read checkers", "Library, room 2", 75, 0, 2, 5, "Checked an Easy Read page"),
    Group("Interview panel", "Civic Centre", 180, 3, 4, 4, "Interviewed new support workers"),
)
