"""The demo's catalogue: pictures, an offer for one group, a monthly budget that is used up, things saved for later."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people, pictures
from timebank.demo.members_people import CLUB
from timebank.demo.offers import CAFE, CINEMA, FIRST_AID, QUAY_CAFE, SWIM, VOUCHER
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor, system
from timebank.kit.pictures import remake
from timebank.kit.refusal import Refusal
from timebank.payees import queries as payee_queries
from timebank.redemptions import managing, offer_photos, offers, saved
from timebank.redemptions import service as redemptions
from timebank.redemptions.service import AddOffer, RequestRedemption

PICTURES = (
    (CAFE, pictures.cafe, "A drawing of a red cup on a table"),
    (SWIM, pictures.pool, "A drawing of a swimming pool with lanes"),
    (CINEMA, pictures.cinema, "A drawing of a cinema screen above red seats"),
    (FIRST_AID, pictures.first_aid, "A drawing of a green first aid box"),
)
CAKE, SEEDS = "Cake and tea for two", "Seeds and a trowel"
SAVED = (CINEMA, FIRST_AID)


async def add_catalogue(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Add what makes the catalogue full; return a step for the booking that uses up a budget."""
    keeper, then = system(facts.id), anchor - timedelta(days=50)
    async with db.reading(facts.id) as connection:
        clocks: Any = {"now": then, "today": then.date(), "time_zone": facts.time_zone}
        known = {one.details.title: one.id for one in await managing.offers(connection, facts.id, **clocks)}
        groups = {group.display_name: group.id for group in await managing.groups(connection, facts.id)}
        payees = {payee.name: payee.id for payee in await payee_queries.payees(connection, facts.id)}
    for n, (title, draw, words) in enumerate(PICTURES):
        sizes = await _sizes(pictures.drawn(draw))
        key = f"demo-offer-photo-{n}"
        _accepted(await offer_photos.set_photo(db, keeper, known[title], sizes, words, key=key, now=then))
    cake = AddOffer(
        **VOUCHER,
        title=CAKE,
        summary="A quiet hour at the Quay Café.",
        price_minutes=30,
        payee_id=payees[QUAY_CAFE],
        value_pence=1100,
        monthly_pence=1500,
        place="Quay Café, Riverside Walk",
        access=("step_free", "accessible_toilet", "quiet_space"),
    )
    cake_id = _accepted(await offers.add_offer(db, keeper, cake, key="demo-offer-cake", now=then)).offer_id
    seeds = AddOffer(
        **VOUCHER,
        title=SEEDS,
        summary="For members of the allotment club.",
        price_minutes=30,
        places=12,
        group_ids=(groups[CLUB],),
        place="Riverside allotments",
    )
    _accepted(await offers.add_offer(db, keeper, seeds, key="demo-offer-seeds", now=then))
    for title in SAVED:
        member, save = actors[people.PARTICIPANT], saved.SaveOffer(offer_id=known[title], is_saved=True)
        _accepted(await saved.save_offer(db, member, save, key=f"demo-saved-{known[title]}", now=then))
    say(f"{facts.name}: pictures, a monthly budget, an offer for one group")

    async def book() -> None:
        member = actors["Ruth Goldberg"]
        request = RequestRedemption(offer_id=cake_id, member_id=member.member_id or 0)
        _accepted(await redemptions.request(db, member, request, key="demo-booking-cake", now=anchor))

    return [Step(anchor, book)]


async def _sizes(content: bytes) -> offer_photos.Sizes:
    remade = await remake(content)
    sizes = remade if isinstance(remade, Refusal) else await offer_photos.sizes_of(remade)
    if isinstance(sizes, Refusal):
        raise Refused([sizes])
    return sizes


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
