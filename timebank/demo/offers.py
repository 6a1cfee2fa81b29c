"""What the demo's members can use their hours for, all of it invented. Days count from the demo's first start."""

from typing import Any

HOUR = 60

QUAY_CAFE, COLLEGE, LEISURE = "Quay Café CIC", "Riverside College", "Harbour Leisure"
PAYEES = ((QUAY_CAFE, "SUP-0014"), (COLLEGE, "SUP-0027"), (LEISURE, "SUP-0031"))

CAFE, SWIM, CINEMA = "Lunch at the Quay Café", "A swim at Harbour Leisure", "Two cinema tickets"
FIRST_AID, PHONES, CHAIRING = "First aid in a day", "Feel at home with a smartphone", "Chairing a meeting"
HYGIENE = "Food hygiene for volunteers"
FORMS, WALK = "Help with forms and letters", "Company on a walk"

VOUCHER_LABEL = (
    "A voucher can count as income on the day you get it. "
    "If you get benefits, ask Citizens Advice or your benefits office first."
)
TRAINING_LABEL = (
    "Training can change some benefits. If you get benefits, ask Citizens Advice or your benefits office first."
)
PEER_LABEL = (
    "An hour from another member is a time bank exchange. It is not pay. "
    "If you get benefits and want to be sure, ask Citizens Advice."
)

COURSE: dict[str, Any] = {"kind": "training", "benefit_label": TRAINING_LABEL, "payee": COLLEGE, "cancel_hours": 48}
VOUCHER: dict[str, Any] = {"kind": "voucher", "benefit_label": VOUCHER_LABEL, "hold_days": 60}
PEER: dict[str, Any] = {"kind": "peer_support", "benefit_label": PEER_LABEL}

OFFERS: tuple[dict[str, Any], ...] = (
    VOUCHER
    | {
        "title": CAFE,
        "access": ("step_free", "accessible_toilet", "quiet_space"),
        "summary": "A hot meal and a drink by the water.",
        "price_minutes": HOUR,
        "payee": QUAY_CAFE,
        "value_pence": 950,
        "place": "Quay Café, Riverside Walk",
        "access_notes": "Quiet table on request.",
        "cancel_hours": 0,
    },
    VOUCHER
    | {
        "title": SWIM,
        "access": ("step_free", "changing_places", "helper_free", "parking"),
        "summary": "One swim. The pool has a hoist.",
        "price_minutes": HOUR,
        "payee": LEISURE,
        "value_pence": 520,
        "place": "Harbour Leisure Centre",
        "access_notes": "Wide changing rooms.",
        "cancel_hours": 0,
    },
    VOUCHER
    | {
        "title": CINEMA,
        "access": ("step_free", "accessible_toilet", "hearing_loop"),
        "summary": "Two seats for any film on a weekday.",
        "price_minutes": 2 * HOUR,
        "payee": LEISURE,
        "value_pence": 1400,
        "place": "The Lantern Cinema",
        "access_notes": "Two wheelchair spaces. Subtitled films on Wednesdays.",
        "places": 20,
    },
    COURSE
    | {
        "title": FIRST_AID,
        "access": ("step_free", "hearing_loop", "accessible_toilet"),
        "summary": "Learn what to do until help comes.",
        "price_minutes": 3 * HOUR,
        "value_pence": 6500,
        "places": 8,
        "starts_in_days": 21,
        "place": "Riverside College, room 4",
        "access_notes": "Lift. Lunch included.",
    },
    COURSE
    | {
        "title": HYGIENE,
        "access": ("step_free", "hearing_loop"),
        "summary": "A certificate in one morning.",
        "price_minutes": 2 * HOUR,
        "value_pence": 3500,
        "places": 8,
        "starts_in_days": -6,
        "place": "Riverside College, kitchen 2",
        "access_notes": "Lift.",
    },
    COURSE
    | {
        "title": PHONES,
        "access": ("step_free", "helper_free", "quiet_space"),
        "summary": "Two relaxed mornings with your own phone.",
        "price_minutes": 2 * HOUR,
        "value_pence": 4000,
        "places": 6,
        "starts_in_days": 9,
        "place": "Central Library",
        "access_notes": "Bring a friend if you like.",
        "hold_days": 1,
    },
    COURSE
    | {
        "title": CHAIRING,
        "access": ("step_free", "easy_read", "bsl", "online"),
        "summary": "Run a meeting where everybody is heard.",
        "price_minutes": 4 * HOUR,
        "value_pence": 9000,
        "places": 10,
        "starts_in_days": 30,
        "place": "Riverside College, room 1",
        "access_notes": "Lift.",
    },
    PEER
    | {
        "title": FORMS,
        "summary": "Joan sits with you and goes through it.",
        "price_minutes": HOUR,
        "provider": "Joan D’Arcy",
        "place": "Library, or by phone",
    },
    PEER
    | {
        "title": WALK,
        "summary": "Kofi walks with you, at your pace.",
        "price_minutes": HOUR,
        "provider": "Kofi Mensah",
        "place": "From your door",
    },
)
