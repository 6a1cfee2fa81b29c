"""What finance finds this morning in the demo: things that wait, that are stuck, and that somebody owes us."""

from datetime import timedelta

from timebank.demo import people
from timebank.demo.budgets import MEALS, PRINTING
from timebank.demo.offers import CAFE
from timebank.demo.spending import Spending
from timebank.demo.steps import accepted
from timebank.demo.suppliers import CABS, NEW_CABS, PRINT, STALL, give_account
from timebank.kit.actor import Actor
from timebank.payments import credit_notes
from timebank.redemptions import queries as bookings
from timebank.redemptions import service as redemptions

REFUNDED = "Chidi Okafor"


async def add_today(spending: Spending, actors: dict[str, Actor]) -> None:
    """Rent that is ready, leaflets that wait, an approval that no longer holds, cash, a credit note, a refund."""
    anchor = spending.anchor
    rent = await spending.rent("H-125", days_ago=3)
    await spending.approve(rent, anchor - timedelta(days=2))
    await spending.ask(
        "posters", PRINT, 3_600, "Posters for the open day", days_ago=20, budget=PRINTING, invoice_number="TP-3420",
        tax_pence=600, tax_code="T1", due_days=15,
    )  # fmt: skip
    stall = await spending.ask(
        "sandwiches-2",
        STALL,
        1_850,
        "Sandwiches, open day",
        days_ago=4,
        budget=MEALS,
        reason="The café was shut.",
    )
    await spending.approve(stall, anchor - timedelta(days=3))
    await _changed_after_approval(spending)
    note = credit_notes.ProposeCreditNote(
        payee_id=spending.payees[PRINT], pence=1_800, document_number="TP-CN-23", reason="Posters came a week late"
    )
    await _note(spending, note)
    await _refund(spending, actors)


async def _changed_after_approval(spending: Spending) -> None:
    """The cabs' bank details change after their payment was approved: the approval holds no more."""
    anchor = spending.anchor
    cabs = await spending.ask(
        "cabs", CABS, 2_700, "Minibus to the garden show", days_ago=9, budget=MEALS, invoice_number="BC-771"
    )
    await spending.approve(cabs, anchor - timedelta(days=8))
    two_people = (spending.finance, spending.administrator)
    await give_account(
        spending.db, *two_people, spending.payees[CABS], NEW_CABS, "cabs-new", anchor - timedelta(days=2)
    )


async def _note(spending: Spending, note: credit_notes.ProposeCreditNote) -> None:
    done = await credit_notes.propose_note(
        spending.db, spending.finance, note, key="demo-note-2", now=spending.anchor - timedelta(days=1)
    )
    accepted(done)


async def _refund(spending: Spending, actors: dict[str, Actor]) -> None:
    """A lunch that was paid for is given back: the café owes it to us."""
    who = actors[REFUNDED]
    assert who.member_id is not None
    async with spending.db.reading(spending.facts.id) as connection:
        _, past = await bookings.bookings_of(connection, spending.facts.id, who.member_id)
    lunch = next(one for one in past if one.title == CAFE and one.state == "fulfilled")
    command = redemptions.Refund(reference=lunch.reference, reason="The café was closed when they came.")
    done = await redemptions.refund(
        spending.db, actors[people.COORDINATOR], command, key="demo-refund", now=spending.anchor
    )
    accepted(done)
