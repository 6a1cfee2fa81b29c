"""Two time banks with a row behind every address, and a browser for everybody who asks there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.integration.activities.planning import planned
from tests.integration.claims.claiming import sent as sent_claim
from tests.integration.governance.versions import a_second_version
from tests.integration.imports.importing import bring
from tests.integration.messages.mailroom import a_call_and_letters
from tests.integration.payees.accounts_made import proposed
from tests.integration.payments.helpers import add_payee, owe, run
from tests.integration.payments.helpers import approved as approved_payment
from tests.integration.peers.helping import help_between_members
from tests.integration.reconciliation.bank_files import an_unexplained_line
from tests.integration.redemptions.spending import booked, give_hours, offer, waits
from tests.people import NOW, Bank, Browser, make_bank
from timebank.activities.service import make_code
from timebank.app import create_app
from timebank.confidence.service import TellSomeone, Told, tell
from timebank.contributions.service import AddActivity, Line, SavedRegister, SaveRegister, add_activity, save_register
from timebank.contributions.uploads import KeptUpload, keep_upload
from timebank.db import Database
from timebank.kit.actor import Actor, system
from timebank.kit.clock import FixedClock
from timebank.members.checks import AddCheck, add_check
from timebank.members.many import keep as keep_members
from timebank.members.safeguarding import NamePerson, Recorded, name_person
from timebank.payments.formats import csv_profiles
from timebank.payments.profiles import SavedProfile, SaveProfile, save_profile
from timebank.settings import Settings

OURS = {"Sec-Fetch-Site": "same-origin"}
SOMEBODY = "Quintilla Nobody-Else"
NOTHING = {
    "token": "no-such-token",
    "supporter_id": "1000000",
    "belonging_id": "1000000",
    "step": "accept",
    "offers.size": "small",
    "deputy_id": "1",
    "guest_id": "1",
    "gift_id": "1000000",
    "ask_id": "1000000",
    "entry_id": "00000000-0000-0000-0000-000000000001",
    "query_id": "1",
    "photo_id": "1",
    "id_": "1",
    "line": "1",
    "begins": "2025-04-06",
    "month": "2026-02",
    "receipt_id": "1000000",
    "n": "1",
    "rate_id": "1000000",
    "budget_id": "1000000",
    "fund_id": "1000000",
    "order_id": "1000000",
    "invoice_id": "1000000",
    "paper_id": "1000000",
    "me.reference": "0000-0000",
    "view_id": "1000000",
    "batch_id": "1000000",
    "look_id": "1000000",
    "till.reference": "0000-0000",
    "name": "none.css",
    "path": "none",
    "rest": "no/such/page",
    "way": "email",
    "link": "no-such-link",
}
"""What stands for parameters that nothing in these time banks has."""

TABLES_WITH_CONTENT = (
    "member", "activity", "register", "contribution", "register_upload", "offer", "redemption", "redemption_event",
    "payable", "payable_event", "payment_batch", "payment_batch_void", "payment_file", "payment_file_taken", "payment",
    "payment_attempt", "payment_request", "payment_profile", "payment_settings", "period_close", "credit", "credit_use",
    "credit_paper", "cash_payment", "remittance_sent", "supplier_invoice", "supplier_invoice_item", "payee",
    "bank_account", "bank_account_look", "fund", "finance_code", "budget", "purchase_order", "receipt", "claim",
    "claim_line", "access_cost", "fee", "fee_choice", "fee_standing", "rate", "bank_statement", "bank_line",
    "bank_explanation", "member_role", "consent", "consent_topic", "supporter",
    "group_membership", "member_upload", "pause", "departure", "safeguarding_person", "member_age",
    "guardian_consent", "member_check", "confidence_report", "confidence_step", "activity_leader", "session",
    "attendance", "check_in_code", "activity_photo",
    "offer_group", "offer_photo", "saved_offer", "waiting",
    "import_run", "import_line", "import_person", "gift", "pot_ask", "statement_code",
)  # fmt: skip


@dataclass
class World:
    """A time bank with a row behind every address, one browser for each role, and a coordinator of another bank."""

    db: Database
    bank: Bank
    ids: dict[str, str]
    browsers: dict[str, Browser] = field(default_factory=dict)

    async def ask(self, who: str, route: str, *, headers: Mapping[str, str] = OURS, **fields: str) -> httpx.Response:
        """What somebody gets at an address: a GET, or a form with their own hidden fields."""
        method, _, template = route.partition(" ")
        path = re.sub(r"\{(\w+)\}", lambda found: self.id_for(template, found[1]), template)
        browser = self.browsers[who]
        if method != "POST":
            return await browser.request(method, path, headers=dict(headers))
        sent = {"csrf": browser.csrf, "key": uuid4().hex, **fields}
        return await browser.post(path, data=sent, headers=dict(headers))

    def id_for(self, template: str, name: str) -> str:
        """The id that stands for a parameter of a path."""
        kind = template.split("/")[1]
        return self.ids[f"{kind}.{name}" if f"{kind}.{name}" in self.ids else name]

    async def fingerprint(self) -> dict[str, Any]:
        """What the time bank holds, and every balance of its ledger."""
        async with self.db.reading(self.bank.id) as connection:
            held: dict[str, Any] = {
                table: await connection.fetchval(
                    f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t"
                )
                for table in TABLES_WITH_CONTENT
            }
            held["balances"] = await connection.fetchval(
                "select md5(string_agg(b::text, '|' order by b::text)) from ledger.balance b where book_id = $1",
                self.bank.id,
            )
        return held


def _as(bank: Bank, member_id: int, *roles: str) -> Actor:
    return Actor(timebank_id=bank.id, member_id=member_id, roles=frozenset(roles))


async def make_world(db: Database) -> World:
    """Two time banks: one with a row behind every address, another whose administrator is signed in too."""
    bank, other = await make_bank(db), await make_bank(db)
    admin = _as(bank, await bank.member("Demo admin", "admin"), "admin")
    stranger = _as(other, await other.member("Stranger", "admin", "finance"), "admin", "finance")
    ids = NOTHING | await _rows(db, bank, admin) | await _safeguarded(db, bank, admin, stranger)
    made = World(db, bank, ids)
    await _sign_in(
        made,
        {
            "participant": bank.participant,
            "coordinator": bank.coordinator_two,
            "finance": bank.finance,
            "admin": admin,
            "other bank": stranger,
        },
    )
    return made


async def _sign_in(world: World, people: Mapping[str, Actor]) -> None:
    """A browser for each of these people, and one of nobody's."""
    app = create_app(
        Settings(database_url="postgresql://unused/", smtp_url="smtp://127.0.0.1:1"), db=world.db, clock=FixedClock(NOW)
    )
    app.state.db = world.db  # what its start would do; a fixture for a whole module cannot hold the application's life

    def module_client() -> Browser:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        return Browser(transport=transport, base_url="http://timebank.test", headers=OURS)

    world.browsers["anonymous"] = module_client()
    for name, actor in people.items():
        world.browsers[name] = module_client()
        await world.browsers[name].sign_in(world.db, actor)


async def _safeguarded(db: Database, bank: Bank, admin: Actor, stranger: Actor) -> dict[str, str]:
    """Who leads safeguarding in both, and what only they see."""
    call = {"now": bank.now}
    for leader in (admin, stranger):
        naming = NamePerson(member_id=leader.member_id or 0, part="lead")
        assert isinstance(await name_person(db, system(leader.timebank_id), naming, key=uuid4().hex, **call), Recorded)
    seen = AddCheck(member_id=bank.participant.member_id or 0, kind="reference", issued_on=bank.now.date())
    check = await add_check(db, system(bank.id), seen, key=uuid4().hex, **call)
    assert isinstance(check, Recorded)
    told = await tell(
        db, bank.participant, TellSomeone(happened="Something"), network="192.0.2.1", key=uuid4().hex, **call
    )
    assert isinstance(told, Told)
    return {"slug": bank.facts.slug, "check_id": str(check.id), "confidence.reference": told.reference}


async def _rows(db: Database, bank: Bank, admin: Actor) -> dict[str, str]:
    """A row behind every address that can have one, and the ids of those rows."""
    await bank.member(SOMEBODY)
    call = {"now": bank.now}
    activity = await add_activity(db, bank.coordinator, AddActivity(name="Lunch"), key=uuid4().hex, **call)
    assert isinstance(activity, int)
    (session,) = await planned(bank, activity)
    code = await make_code(db, bank.coordinator, activity, key=uuid4().hex, **call)
    assert isinstance(code, str)
    own = Line(member_id=bank.coordinator.member_id or 0, held_on=bank.now.date(), minutes=30)
    saved = await save_register(
        db, bank.coordinator, SaveRegister(activity_id=activity, lines=(own,)), key=uuid4().hex, **call
    )
    assert isinstance(saved, SavedRegister)
    content = b"Name;Date;Time\r\nDemo participant;09/03/2026;1:30\r\n"
    kept = await keep_upload(db, bank.coordinator, file_name="a.csv", content=content, **call)
    assert isinstance(kept, KeptUpload), kept
    await give_hours(bank, bank.participant.member_id, 600)
    spent_on = await offer(bank)
    booking = await booked(bank, spent_on, bank.participant)
    payee = await add_payee(db, bank.coordinator)
    await approved_payment(bank, payee)
    batch = await run(bank)
    full = await offer(bank, "training", places=1)
    await give_hours(bank, bank.coordinator.member_id or 0, 60)
    await booked(bank, full, bank.coordinator)
    turn = await waits(bank, full, bank.participant)
    owed = await owe(db, bank.coordinator, payee)
    call_id, letters, message_id = await a_call_and_letters(bank)
    async with db.reading(bank.id) as connection:
        waiting = await connection.fetchval("select id from contribution where state = 'submitted'")
    columns = SaveProfile(name="Ours", profile=csv_profiles.GENERIC)
    own_format = await save_profile(db, bank.finance, columns, key=uuid4().hex, **call)
    assert isinstance(own_format, SavedProfile)
    return {
        "member_id": str(bank.participant.member_id),
        "group_id": str(activity),
        "activity_id": str(activity),
        "session_id": str(session),
        "code": code,
        "upload_id": str(kept.upload_id),
        "statement_id": await an_unexplained_line(bank, "statement"),
        "line_id": await an_unexplained_line(bank, "line"),
        "import_id": str(await bring(bank, "members", "Name\nNobody In Particular\nSecond Person")),
        "members.upload_id": str(await keep_members(db, bank.coordinator, file_name="", content=b"Ann\nBo", **call)),
        "registers.reference": saved.reference,
        "contribution_id": str(waiting),
        "offer_id": str(spent_on),
        "bookings.reference": booking,
        "bookings.offer_id": str(full),
        "waiting_id": str(turn),
        "number": str(batch.number),
        "payments.reference": owed,
        "claims.reference": await sent_claim(bank),
        "payments.code": own_format.code,
        "delivery_id": str(call_id),
        "messages.number": str(letters),
        "message_id": str(message_id),
        "version_number": str(await a_second_version(bank, admin)),
        "payee_id": str(payee),
        "account_id": str(await proposed(db, bank.finance_two, payee)),
        "api.reference": saved.reference,
        **await help_between_members(bank),
    }
