"""The paper of a credit note: a PDF as it came, a photo made anew, each with its SHA-256, for finance alone."""

import base64
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta

from PIL import Image

from tests.integration.payments.crediting import credit
from tests.integration.payments.helpers import add_payee, call, codes, new_key
from tests.people import Bank, Browser, make_bank
from timebank.identity.service import create_token
from timebank.kit.actor import Actor
from timebank.payments import credit_notes, credit_papers, credit_queries, documents
from timebank.payments.credit_notes import DecideCreditNote, ProposeCreditNote
from timebank.payments.credit_papers import AddPaper
from timebank.payments.credits import CreditChanged
from timebank.payments.documents import MAX_PAPERS, Paper, ReadPaper

Open = Callable[[], Browser]
PDF = b"%PDF-1.4 credit note"


async def signed_in(client: Open, bank: Bank, actor: Actor) -> Browser:
    browser = client()
    await browser.sign_in(bank.db, actor)
    return browser


async def papers(bank: Bank, reference: str) -> list[Paper]:
    async with bank.db.reading(bank.id) as connection:
        found = await credit_queries.by_reference(connection, bank.id, reference)
        assert found is not None
        return await credit_papers.papers(connection, bank.id, found.id)


async def read(name: str, content: bytes) -> ReadPaper:
    paper = await documents.read_paper(name, content)
    assert isinstance(paper, ReadPaper), paper
    return paper


async def test_a_credit_note_is_entered_with_its_paper_and_checked_against_it(client: Open, bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    browser = await signed_in(client, bank, bank.finance)
    form = {"payee_id": str(payee), "document_number": "CN-9", "pence": "3.00", "kind": "voucher", "reason": "Two off"}
    bad = await browser.submit("/payments/credits", form, files={"paper": ("a.pdf", b"no pdf, no photo")})
    assert bad.status_code == 422
    assert 'href="#paper"' in bad.text
    async with bank.db.reading(bank.id) as connection:
        assert await credit_queries.proposed(connection, bank.id) == []
    form["key"] = new_key()
    for _ in range(2):  # a double click enters it once
        answer = await browser.submit("/payments/credits", form, files={"paper": ("../Gutschrift März.pdf", PDF)})
        assert answer.status_code == 303
    place = answer.headers["location"]
    [kept] = await papers(bank, place.rsplit("/", 1)[-1])
    assert (kept.file_name, kept.sha256) == ("Gutschrift März.pdf", hashlib.sha256(PDF).digest())
    other = await signed_in(client, bank, bank.finance_two)
    assert "Check it against the paper below" in (await other.get(place)).text
    shown = await other.get(f"{place}/papers/{kept.id}")
    assert shown.content == PDF
    assert shown.headers["content-disposition"] == 'attachment; filename="Gutschrift M_rz.pdf"'
    digest = base64.b64encode(kept.sha256).decode()
    assert shown.headers["repr-digest"] == f"sha-256=:{digest}:"
    for who in (bank.coordinator, bank.participant):
        assert (await (await signed_in(client, bank, who)).get(f"{place}/papers/{kept.id}")).status_code == 403
    stranger = await make_bank(bank.db)
    assert (await (await signed_in(client, bank, stranger.finance)).get(f"{place}/papers/{kept.id}")).status_code == 404


async def test_a_photo_is_made_anew_and_can_come_later(client: Open, bank: Bank) -> None:
    reference = await credit(bank, await add_payee(bank.db, bank.finance), 300)
    browser = await signed_in(client, bank, bank.finance)
    place = f"/payments/credits/{reference}"
    photo = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    Image.new("RGB", (40, 30), "red").save(photo, "JPEG", exif=exif)
    assert (await browser.submit(f"{place}/papers", {})).status_code == 422
    for _ in range(2):  # the same paper twice is one
        added = await browser.submit(f"{place}/papers", {}, files={"paper": ("note.jpg", photo.getvalue())})
        assert added.status_code == 303
    [kept] = await papers(bank, reference)
    content = (await browser.get(f"{place}/papers/{kept.id}")).content
    assert b"where it was taken" in photo.getvalue()
    assert b"where it was taken" not in content
    assert hashlib.sha256(content).digest() == kept.sha256


async def test_papers_have_limits_and_a_refused_credit_note_takes_none(bank: Bank) -> None:
    payee = await add_payee(bank.db, bank.finance)
    reference = await credit(bank, payee, 300)
    paper = await read("a.pdf", PDF)
    own = AddPaper(reference=reference, paper=paper)
    assert codes(await credit_papers.add_paper(bank.db, bank.coordinator, own, **call())) == ["not_finance"]
    for n in range(MAX_PAPERS):
        one = AddPaper(reference=reference, paper=await read("a.pdf", PDF + bytes([n])))
        assert isinstance(await credit_papers.add_paper(bank.db, bank.finance, one, **call()), CreditChanged)
    assert codes(await credit_papers.add_paper(bank.db, bank.finance, own, **call())) == ["too_many_papers"]
    note = ProposeCreditNote(payee_id=payee, pence=1, document_number="CN-2", reason="Wrong")
    proposed = await credit_notes.propose_note(bank.db, bank.finance, note, **call())
    assert isinstance(proposed, CreditChanged)
    no = DecideCreditNote(reference=proposed.reference, accept=False)
    await credit_notes.decide_note(bank.db, bank.finance_two, no, **call())
    late = AddPaper(reference=proposed.reference, paper=paper)
    assert codes(await credit_papers.add_paper(bank.db, bank.finance, late, **call())) == ["credit_refused"]


async def test_programs_keep_and_read_the_paper(client: Open, bank: Bank) -> None:
    reference = await credit(bank, await add_payee(bank.db, bank.finance), 300)
    browser = client()
    finance = bank.finance
    assert finance.member_id is not None
    token = await create_token(
        bank.db, finance, finance.member_id, "Accounts", ("payables:read", "payments:write"), now=bank.now,
        valid_for=timedelta(days=1),
    )  # fmt: skip
    place = f"/api/v1/credits/{reference}"

    def headers() -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key()}

    body = {"file_name": "note.pdf", "content": base64.b64encode(PDF).decode()}
    for wrong in ({"content": "%%%"}, {"content": base64.b64encode(b"neither").decode()}):
        assert (await browser.post(f"{place}/papers", json=body | wrong, headers=headers())).status_code == 422
    added = await browser.post(f"{place}/papers", json=body, headers=headers())
    assert added.status_code == 200, added.text
    read = (await browser.get(place, headers=headers())).json()
    assert (read["credit"]["left_pence"], read["uses"]) == (300, [])
    [paper] = read["papers"]
    assert paper["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (await browser.get(f"{place}/papers/{paper['id']}", headers=headers())).content == PDF
    assert (await browser.get(f"{place}/papers/{2**70}", headers=headers())).status_code == 404
    assert (await browser.get("/api/v1/credits/ZZZZ-ZZZZ", headers=headers())).status_code == 404
