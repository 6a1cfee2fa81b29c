"""Every address of the application, for everybody: whoever adds a route without deciding who may use it fails here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar.routes import HTTPRoute

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
from timebank.web.headers import ALWAYS

OURS = {"Sec-Fetch-Site": "same-origin"}
THEIRS = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}

ANYONE = frozenset({"anonymous", "participant", "coordinator", "finance", "admin"})
SIGNED_IN = ANYONE - {"anonymous"}
COORDINATES = frozenset({"coordinator", "admin"})
PAYS = frozenset({"finance"})
LOOKS_AT_PAYMENTS = frozenset({"finance", "admin"})
LOOKS_AT_RECORDS = frozenset({"coordinator", "finance", "admin"})
ADMINISTERS = frozenset({"admin"})

# In these time banks the administrator leads safeguarding; without that the role opens none of it.
SAFEGUARDS = frozenset({"admin"})

CHANGES_THE_SESSION = frozenset({"POST /sign-out", "POST /practice"})
SOMEBODY = "Quintilla Nobody-Else"

# Who may use each page; "METHOD path". A route that is missing here fails test_every_page_is_in_the_table.
PAGES: Mapping[str, frozenset[str]] = {
    "GET /": ANYONE,
    "GET /hours": SIGNED_IN,
    "GET /statement": SIGNED_IN,
    "GET /statement/pdf": SIGNED_IN,
    "GET /statement/csv": SIGNED_IN,
    "GET /statement/text": SIGNED_IN,
    "GET /statement/checks": SIGNED_IN,
    "POST /statement/checks": SIGNED_IN,
    "GET /print": SIGNED_IN,
    "GET /print/letter": SIGNED_IN,
    "GET /print/letter/text": SIGNED_IN,
    "GET /check": ANYONE,
    "POST /check": ANYONE,
    "GET /gifts": SIGNED_IN,
    "GET /gifts/give": SIGNED_IN,
    "POST /gifts/give": SIGNED_IN,
    "POST /gifts/give/send": SIGNED_IN,
    "GET /gifts/{gift_id}": SIGNED_IN,
    "GET /gifts/ask": SIGNED_IN,
    "POST /gifts/ask": SIGNED_IN,
    "GET /gifts/asks/{ask_id}": SIGNED_IN,
    "POST /gifts/asks/{ask_id}/withdraw": SIGNED_IN,
    "GET /pot": COORDINATES,
    "POST /pot/asks/{ask_id}": COORDINATES,
    "GET /pot/give": COORDINATES,
    "POST /pot/give": COORDINATES,
    "GET /offline": SIGNED_IN,
    "GET /install": SIGNED_IN,
    "GET /app.webmanifest": ANYONE,
    "GET /worker.js": ANYONE,
    "GET /more": COORDINATES,
    "GET /sign-in": ANYONE,
    "GET /accessibility": ANYONE,
    "GET /sign-in/link/{token}": ANYONE,
    "POST /sign-in/link/{token}": ANYONE,
    "GET /sign-in/card": ANYONE,
    "GET /sign-in/by/{way}": ANYONE,
    "POST /sign-in/by/{way}": ANYONE,
    "GET /sign-in/code": ANYONE,
    "POST /sign-in/code": ANYONE,
    "GET /sign-in/mail/{link}": ANYONE,
    "POST /sign-in/mail/{link}": ANYONE,
    "GET /sign-in/whose": ANYONE,
    "POST /sign-in/whose": ANYONE,
    "GET /confirm": SIGNED_IN,
    "POST /confirm": SIGNED_IN,
    "POST /confirm/{way}": SIGNED_IN,
    "GET /confirm/passkey": SIGNED_IN,
    "POST /confirm/passkey": SIGNED_IN,
    "GET /sign-in/passkey": ANYONE,
    "POST /sign-in/passkey": ANYONE,
    "GET /me/passkeys": SIGNED_IN,
    "POST /me/passkeys": SIGNED_IN,
    "POST /me/passkeys/remove": SIGNED_IN,
    "GET /sign-in/card/{token}": ANYONE,
    "POST /sign-in/card": ANYONE,
    "POST /sign-out": ANYONE,
    "GET /devices": SIGNED_IN,
    "POST /devices/sign-out": SIGNED_IN,
    "GET /members": COORDINATES,
    "GET /members/new": COORDINATES,
    "POST /members/new": COORDINATES,
    "GET /members/{member_id}": LOOKS_AT_RECORDS,
    "GET /members/list.csv": COORDINATES,
    "GET /members/{member_id}/change": COORDINATES,
    "POST /members/{member_id}/change": COORDINATES,
    "GET /members/many": COORDINATES,
    "POST /members/many": COORDINATES,
    "GET /members/many/{upload_id}": COORDINATES,
    "POST /members/many/{upload_id}": COORDINATES,
    "GET /members/many/{upload_id}/left-out.csv": COORDINATES,
    "POST /members/many/{upload_id}/drop": COORDINATES,
    "GET /members/consents/new": COORDINATES,
    "POST /members/consents/new": COORDINATES,
    "GET /members/{member_id}/consents": COORDINATES,
    "POST /members/{member_id}/consents": COORDINATES,
    "GET /members/{member_id}/supporters": COORDINATES,
    "POST /members/{member_id}/supporters": COORDINATES,
    "GET /members/{member_id}/people": COORDINATES,
    "POST /members/{member_id}/people": COORDINATES,
    "POST /members/{member_id}/people/leave": COORDINATES,
    "POST /members/{member_id}/people/contact": COORDINATES,
    "GET /members/{member_id}/roles": ADMINISTERS,
    "POST /members/{member_id}/roles": ADMINISTERS,
    "GET /me": SIGNED_IN,
    "GET /me/change": SIGNED_IN,
    "POST /me/change": SIGNED_IN,
    "POST /me/consents": SIGNED_IN,
    "GET /me/supporters": SIGNED_IN,
    "POST /me/supporters": SIGNED_IN,
    "POST /supporters/{supporter_id}/end": SIGNED_IN,
    "GET /reading": ANYONE,
    "POST /reading": ANYONE,
    "GET /me/choices": SIGNED_IN,
    "POST /me/choices": SIGNED_IN,
    "GET /members/{member_id}/choices": COORDINATES,
    "POST /members/{member_id}/choices": COORDINATES,
    "GET /me/hours-choice": SIGNED_IN,
    "POST /me/hours-choice": SIGNED_IN,
    "GET /me/pause": SIGNED_IN,
    "POST /me/pause": SIGNED_IN,
    "POST /me/come-back": SIGNED_IN,
    "GET /me/looks": SIGNED_IN,
    "GET /me/download": SIGNED_IN,
    "POST /me/download": SIGNED_IN,
    "GET /me/leave": SIGNED_IN,
    "POST /me/leave": SIGNED_IN,
    "POST /me/stay": SIGNED_IN,
    "GET /members/leaving": COORDINATES,
    "GET /members/{member_id}/leave": COORDINATES,
    "POST /members/{member_id}/leave": COORDINATES,
    "POST /members/{member_id}/stay": COORDINATES,
    "GET /members/{member_id}/age": COORDINATES,
    "POST /members/{member_id}/age": COORDINATES,
    "POST /members/{member_id}/guardian": COORDINATES,
    "GET /safeguarding": SAFEGUARDS,
    "GET /safeguarding/people": SAFEGUARDS,
    "POST /safeguarding/people": SAFEGUARDS,
    "GET /safeguarding/members/{member_id}": SAFEGUARDS,
    "POST /safeguarding/members/{member_id}/checks": SAFEGUARDS,
    "POST /safeguarding/members/{member_id}/checks/{check_id}/end": SAFEGUARDS,
    "GET /share": SIGNED_IN,
    "GET /share/mine": SIGNED_IN,
    "GET /share/offers/new": SIGNED_IN,
    "POST /share/offers/new": SIGNED_IN,
    "GET /share/wishes/new": SIGNED_IN,
    "POST /share/wishes/new": SIGNED_IN,
    "GET /share/offers/{offer_id}": SIGNED_IN,
    "POST /share/offers/{offer_id}": SIGNED_IN,
    "GET /share/offers/{offer_id}/change": SIGNED_IN,
    "POST /share/offers/{offer_id}/change": SIGNED_IN,
    "GET /share/wishes/{wish_id}": SIGNED_IN,
    "POST /share/wishes/{wish_id}": SIGNED_IN,
    "GET /share/wishes/{wish_id}/change": SIGNED_IN,
    "POST /share/wishes/{wish_id}/change": SIGNED_IN,
    "GET /share/asks": SIGNED_IN,
    "GET /share/asks/{reference}": SIGNED_IN,
    "POST /share/asks/{reference}/{step}": SIGNED_IN,
    "GET /share/people/{member_id}": SIGNED_IN,
    "POST /share/people/{member_id}/block": SIGNED_IN,
    "POST /share/people/{member_id}/unblock": SIGNED_IN,
    "POST /share/people/{member_id}/report": SIGNED_IN,
    "GET /share/all": COORDINATES,
    "POST /share/checks": COORDINATES,
    "GET /share/offers/{offer_id}/check": COORDINATES,
    "POST /share/offers/{offer_id}/check": COORDINATES,
    "GET /share/reports": SAFEGUARDS,
    "POST /share/reports/{report_id}": SAFEGUARDS,
    "GET /tell": ANYONE,
    "GET /tell/{slug}": ANYONE,
    "POST /tell/{slug}": ANYONE,
    "GET /tell/{slug}/paper": ANYONE,
    "GET /tell/{slug}/paper.pdf": ANYONE,
    "GET /tell/{slug}/answer": ANYONE,
    "POST /tell/{slug}/answer": ANYONE,
    "GET /confidence": SAFEGUARDS,
    "GET /confidence/new": SAFEGUARDS,
    "POST /confidence/new": SAFEGUARDS,
    "GET /confidence/{reference}": SAFEGUARDS,
    "POST /confidence/{reference}": SAFEGUARDS,
    "POST /members/{member_id}/link": COORDINATES,
    "GET /members/{member_id}/card": COORDINATES,
    "POST /members/{member_id}/card": COORDINATES,
    "GET /members/{member_id}/act": COORDINATES,
    "POST /members/{member_id}/act": COORDINATES,
    "POST /acting/stop": SIGNED_IN,
    "GET /supporting": SIGNED_IN,
    "POST /supporting/{member_id}": SIGNED_IN,
    "GET /groups": COORDINATES,
    "GET /groups/all": COORDINATES,
    "GET /groups/mine": SIGNED_IN,
    "GET /groups/{group_id}": COORDINATES,
    "GET /groups/{group_id}/edit": COORDINATES,
    "POST /groups/{group_id}/edit": COORDINATES,
    "POST /groups/{group_id}/archive": COORDINATES,
    "POST /groups/{group_id}/leaders": COORDINATES,
    "POST /groups/{group_id}/leaders/end": COORDINATES,
    "GET /groups/{group_id}/sessions/new": COORDINATES,
    "POST /groups/{group_id}/sessions/new": COORDINATES,
    "GET /groups/{group_id}/sheet": COORDINATES,
    "GET /groups/{group_id}/sheet.pdf": COORDINATES,
    "GET /groups/{group_id}/sheet.txt": COORDINATES,
    "GET /groups/{group_id}/poster": COORDINATES,
    "POST /groups/{group_id}/poster": COORDINATES,
    "GET /groups/{group_id}/poster.pdf": COORDINATES,
    "GET /groups/{group_id}/photos": COORDINATES,
    "POST /groups/{group_id}/photos": COORDINATES,
    "POST /groups/{group_id}/photos/remove": COORDINATES,
    "GET /whats-on/photos/{photo_id}": SIGNED_IN,
    "GET /sheet": SIGNED_IN,
    "GET /sessions": COORDINATES,
    "GET /sessions/{session_id}": COORDINATES,
    "POST /sessions/{session_id}/people": COORDINATES,
    "GET /sessions/{session_id}/change": COORDINATES,
    "POST /sessions/{session_id}/change": COORDINATES,
    "GET /sessions/{session_id}/cancel": COORDINATES,
    "POST /sessions/{session_id}/cancel": COORDINATES,
    "GET /whats-on": SIGNED_IN,
    "GET /whats-on/{session_id}": SIGNED_IN,
    "POST /whats-on/{session_id}/sign-up": SIGNED_IN,
    "POST /whats-on/{session_id}/withdraw": SIGNED_IN,
    "GET /whats-on/{session_id}/sheet.pdf": SIGNED_IN,
    "GET /whats-on/{session_id}/sheet.txt": SIGNED_IN,
    "GET /in": SIGNED_IN,
    "GET /in/{code}": SIGNED_IN,
    "POST /in/{code}": SIGNED_IN,
    "GET /groups/new": COORDINATES,
    "POST /groups/new": COORDINATES,
    "GET /groups/{group_id}/register": COORDINATES,
    "POST /groups/{group_id}/register": COORDINATES,
    "POST /groups/{group_id}/register/draft": COORDINATES,
    "POST /groups/{group_id}/register/download": COORDINATES,
    "POST /groups/drafts/{token}/delete": COORDINATES,
    "GET /registers": COORDINATES,
    "GET /registers/list.csv": COORDINATES,
    "GET /registers/{reference}/download": COORDINATES,
    "GET /registers/{reference}/correct": COORDINATES,
    "POST /registers/{reference}/correct": COORDINATES,
    "GET /registers/brought-forward": COORDINATES,
    "POST /registers/brought-forward": COORDINATES,
    "POST /registers/paste": COORDINATES,
    "GET /guests": COORDINATES,
    "POST /guests/{guest_id}/join": COORDINATES,
    "GET /registers/upload": COORDINATES,
    "POST /registers/upload": COORDINATES,
    "GET /registers/upload/{upload_id}": COORDINATES,
    "POST /registers/upload/{upload_id}/confirm": COORDINATES,
    "GET /registers/{reference}": COORDINATES,
    "POST /registers/{reference}/undo": COORDINATES,
    "GET /decisions": COORDINATES,
    "POST /decisions/{contribution_id}": COORDINATES,
    "GET /decisions/deputies": COORDINATES,
    "POST /decisions/deputies": COORDINATES,
    "POST /decisions/deputies/{deputy_id}/end": COORDINATES,
    "GET /log": SIGNED_IN,
    "POST /log": SIGNED_IN,
    "POST /log/save": SIGNED_IN,
    "GET /log/mine": SIGNED_IN,
    "GET /log/{contribution_id}": SIGNED_IN,
    "POST /log/{contribution_id}/withdraw": SIGNED_IN,
    "GET /log/{contribution_id}/photo": SIGNED_IN,
    "GET /log/photos/{photo_id}": SIGNED_IN,
    "GET /entries/{entry_id}/not-right": SIGNED_IN,
    "POST /entries/{entry_id}/not-right": SIGNED_IN,
    "GET /log/{contribution_id}/not-right": SIGNED_IN,
    "POST /log/{contribution_id}/not-right": SIGNED_IN,
    "GET /queries": SIGNED_IN,
    "GET /queries/to-answer": COORDINATES,
    "GET /queries/{query_id}": SIGNED_IN,
    "POST /queries/{query_id}/answer": COORDINATES,
    "POST /queries/{query_id}/hand-over": COORDINATES,
    "GET /offers": SIGNED_IN,
    "GET /offers/saved": SIGNED_IN,
    "POST /offers/{offer_id}/save": SIGNED_IN,
    "GET /offers/{offer_id}/photo/{size}": SIGNED_IN,
    "GET /offers/manage": COORDINATES,
    "GET /offers/manage/new": COORDINATES,
    "POST /offers/manage/new": COORDINATES,
    "GET /offers/manage/{offer_id}": COORDINATES,
    "POST /offers/manage/{offer_id}": COORDINATES,
    "POST /offers/manage/{offer_id}/open": COORDINATES,
    "POST /offers/manage/{offer_id}/photo": COORDINATES,
    "GET /offers/{offer_id}": SIGNED_IN,
    "GET /offers/{offer_id}/check": SIGNED_IN,
    "POST /offers/{offer_id}/use": SIGNED_IN,
    "GET /bookings": SIGNED_IN,
    "GET /bookings/to-do": COORDINATES,
    "GET /bookings/{reference}": SIGNED_IN,
    "POST /bookings/{reference}/cancel": SIGNED_IN,
    "POST /bookings/{reference}/{step}": COORDINATES,
    "POST /bookings/{reference}/code": SIGNED_IN,
    "GET /bookings/{reference}/code/{view_id}": SIGNED_IN,
    "POST /bookings/{reference}/code/used": SIGNED_IN,
    "POST /bookings/{reference}/code/new": SIGNED_IN,
    "POST /bookings/{reference}/slip": SIGNED_IN,
    "POST /bookings/{reference}/slip/post": SIGNED_IN,
    "GET /vouchers": LOOKS_AT_RECORDS,
    "GET /vouchers/offers/{offer_id}": LOOKS_AT_RECORDS,
    "POST /vouchers/offers/{offer_id}/terms": COORDINATES,
    "POST /vouchers/offers/{offer_id}/codes": LOOKS_AT_RECORDS,
    "POST /vouchers/offers/{offer_id}/codes/save": LOOKS_AT_RECORDS,
    "POST /vouchers/batches/{batch_id}/withdraw": LOOKS_AT_RECORDS,
    "POST /vouchers/slips": COORDINATES,
    "GET /suppliers": LOOKS_AT_RECORDS,
    "GET /suppliers/{payee_id}": LOOKS_AT_RECORDS,
    "POST /suppliers/{payee_id}/link": LOOKS_AT_RECORDS,
    "POST /suppliers/{payee_id}/link/end": LOOKS_AT_RECORDS,
    "GET /suppliers/{payee_id}/poster.pdf": LOOKS_AT_RECORDS,
    "GET /suppliers/{payee_id}/tally": LOOKS_AT_RECORDS,
    "POST /suppliers/{payee_id}/tally": LOOKS_AT_RECORDS,
    "GET /suppliers/{payee_id}/statement": LOOKS_AT_RECORDS,
    "GET /suppliers/{payee_id}/statement.csv": LOOKS_AT_RECORDS,
    "GET /suppliers/{payee_id}/statement.pdf": LOOKS_AT_RECORDS,
    "GET /till": ANYONE,
    "GET /till/open/{token}": ANYONE,
    "GET /till/use/{code}": ANYONE,
    "POST /till/check": ANYONE,
    "POST /till/confirm": ANYONE,
    "GET /till/done/{reference}": ANYONE,
    "GET /till/tally": ANYONE,
    "POST /till/tally": ANYONE,
    "GET /till/tally.pdf": ANYONE,
    "GET /till/statement": ANYONE,
    "GET /till/statement.csv": ANYONE,
    "GET /till/statement.pdf": ANYONE,
    "GET /till/dates": ANYONE,
    "GET /till/dates/{offer_id}": ANYONE,
    "POST /till/dates/{offer_id}": ANYONE,
    "POST /till/leave": ANYONE,
    "GET /bookings/dates/{offer_id}": COORDINATES,
    "POST /bookings/dates/{offer_id}/attendance": COORDINATES,
    "POST /bookings/dates/{offer_id}/call-off": COORDINATES,
    "POST /bookings/dates/{offer_id}/waiting": COORDINATES,
    "POST /bookings/waiting/{waiting_id}/{step}": COORDINATES,
    "POST /offers/{offer_id}/wait": SIGNED_IN,
    "GET /waiting/{waiting_id}": SIGNED_IN,
    "POST /waiting/{waiting_id}/leave": SIGNED_IN,
    "GET /rules": SIGNED_IN,
    "GET /rules/{version_number}": SIGNED_IN,
    "GET /rules/change": ADMINISTERS,
    "POST /rules/change": ADMINISTERS,
    "GET /settings": ADMINISTERS,
    "POST /settings": ADMINISTERS,
    "GET /start": ADMINISTERS,
    "POST /start": ADMINISTERS,
    "GET /start/link/{token}": ANYONE,
    "POST /start/link/{token}": ANYONE,
    "GET /start/rules": ADMINISTERS,
    "POST /start/rules": ADMINISTERS,
    "GET /start/group": ADMINISTERS,
    "POST /start/group": ADMINISTERS,
    "GET /start/people": ADMINISTERS,
    "POST /start/people": ADMINISTERS,
    "GET /start/done": ADMINISTERS,
    "POST /start/enter": ADMINISTERS,
    "GET /guide": SIGNED_IN,
    "GET /practice": COORDINATES,
    "POST /practice": COORDINATES,
    "POST /practice/leave": SIGNED_IN,
    "GET /messages": SIGNED_IN,
    "GET /m/{message_id}": SIGNED_IN,
    "GET /messages/to-do": COORDINATES,
    "GET /messages/texts": COORDINATES,
    "POST /messages/deliveries/{delivery_id}/again": COORDINATES,
    "POST /messages/calls/{delivery_id}": COORDINATES,
    "POST /messages/letters": COORDINATES,
    "GET /messages/letters/{number}": COORDINATES,
    "GET /messages/letters/{number}/pdf": COORDINATES,
    "POST /messages/letters/{number}/printed": COORDINATES,
    "GET /background": frozenset({"admin"}),
    "GET /reconciliation": LOOKS_AT_PAYMENTS,
    "POST /reconciliation/match": PAYS,
    "GET /reconciliation/statements": LOOKS_AT_PAYMENTS,
    "POST /reconciliation/statements": PAYS,
    "GET /reconciliation/statements/{statement_id}": LOOKS_AT_PAYMENTS,
    "POST /reconciliation/statements/{statement_id}": PAYS,
    "POST /reconciliation/statements/{statement_id}/drop": PAYS,
    "GET /reconciliation/lines/{line_id}": LOOKS_AT_PAYMENTS,
    "POST /reconciliation/lines/{line_id}": PAYS,
    "POST /reconciliation/lines/{line_id}/decide": PAYS,
    "POST /reconciliation/lines/{line_id}/join": PAYS,
    "POST /reconciliation/lines/{line_id}/split": PAYS,
    "POST /reconciliation/lines/{line_id}/undo": PAYS,
    "GET /reconciliation/creditors": LOOKS_AT_PAYMENTS,
    "GET /reconciliation/creditors.csv": LOOKS_AT_PAYMENTS,
    "GET /payments": LOOKS_AT_PAYMENTS,
    "POST /payments/export": PAYS,
    "GET /payments/settings": LOOKS_AT_PAYMENTS,
    "POST /payments/settings": LOOKS_AT_PAYMENTS,
    "GET /payees": LOOKS_AT_PAYMENTS,
    "GET /payees/new": PAYS,
    "POST /payees/new": PAYS,
    "GET /payees/ours": LOOKS_AT_PAYMENTS,
    "GET /payees/ours/account": LOOKS_AT_PAYMENTS,
    "POST /payees/ours/account": LOOKS_AT_PAYMENTS,
    "GET /payees/{payee_id}": LOOKS_AT_PAYMENTS,
    "GET /payees/{payee_id}/change": PAYS,
    "POST /payees/{payee_id}/change": PAYS,
    "POST /payees/{payee_id}/open": PAYS,
    "GET /payees/{payee_id}/account": PAYS,
    "POST /payees/{payee_id}/account": PAYS,
    "POST /payees/accounts/{account_id}/decide": LOOKS_AT_PAYMENTS,
    "POST /payees/accounts/{account_id}/withdraw": LOOKS_AT_PAYMENTS,
    "POST /payees/accounts/{account_id}/look": LOOKS_AT_PAYMENTS,
    "GET /payees/looks/{look_id}": LOOKS_AT_PAYMENTS,
    "GET /me/claims": SIGNED_IN,
    "GET /me/claims/new": SIGNED_IN,
    "POST /me/claims/new": SIGNED_IN,
    "POST /me/claims/same": SIGNED_IN,
    "GET /me/claims/{reference}": SIGNED_IN,
    "GET /me/claims/{reference}/lines/{n}": SIGNED_IN,
    "POST /me/claims/{reference}/lines/{n}": SIGNED_IN,
    "POST /me/claims/{reference}/lines/{n}/remove": SIGNED_IN,
    "POST /me/claims/{reference}/send": SIGNED_IN,
    "POST /me/claims/{reference}/take-back": SIGNED_IN,
    "POST /me/claims/{reference}/answer": SIGNED_IN,
    "POST /me/claims/{reference}/again": SIGNED_IN,
    "GET /me/claims/photos/{receipt_id}": SIGNED_IN,
    "GET /claims": LOOKS_AT_RECORDS,
    "GET /claims/{reference}": LOOKS_AT_RECORDS,
    "POST /claims/{reference}/decide": COORDINATES,
    "POST /claims/{reference}/ask": COORDINATES,
    "GET /claims/{reference}/lines/{n}/photo": LOOKS_AT_RECORDS,
    "GET /claims/access": LOOKS_AT_RECORDS,
    "GET /claims/access/book": COORDINATES,
    "POST /claims/access/book": COORDINATES,
    "GET /claims/access/advance": COORDINATES,
    "POST /claims/access/advance": COORDINATES,
    "GET /claims/access/{reference}": LOOKS_AT_RECORDS,
    "POST /claims/access/{reference}/receipts": LOOKS_AT_RECORDS,
    "POST /claims/access/{reference}/settle": LOOKS_AT_RECORDS,
    "POST /claims/access/{reference}/cancel": COORDINATES,
    "GET /claims/access/{reference}/receipts/{n}/photo": LOOKS_AT_RECORDS,
    "GET /me/fees": SIGNED_IN,
    "GET /me/fees/every": SIGNED_IN,
    "POST /me/fees/every": SIGNED_IN,
    "GET /me/fees/{reference}": SIGNED_IN,
    "POST /me/fees/{reference}": SIGNED_IN,
    "GET /payments/fees": LOOKS_AT_PAYMENTS,
    "POST /payments/fees/price": PAYS,
    "GET /payments/fees/years": LOOKS_AT_PAYMENTS,
    "GET /payments/rates": LOOKS_AT_PAYMENTS,
    "POST /payments/rates": LOOKS_AT_PAYMENTS,
    "POST /payments/rates/{rate_id}/decide": LOOKS_AT_PAYMENTS,
    "GET /me/paid": SIGNED_IN,
    "POST /me/paid": SIGNED_IN,
    "POST /me/paid/{account_id}/withdraw": SIGNED_IN,
    "GET /reports": LOOKS_AT_PAYMENTS,
    "GET /reports/csv": LOOKS_AT_PAYMENTS,
    "GET /reports/pack": LOOKS_AT_PAYMENTS,
    "GET /reports/trace": LOOKS_AT_PAYMENTS,
    "GET /reports/tax-years": LOOKS_AT_PAYMENTS,
    "GET /budgets": LOOKS_AT_PAYMENTS,
    "GET /budgets/new": PAYS,
    "POST /budgets/new": PAYS,
    "GET /budgets/{budget_id}": LOOKS_AT_PAYMENTS,
    "POST /budgets/{budget_id}": PAYS,
    "GET /budgets/funds": LOOKS_AT_PAYMENTS,
    "POST /budgets/funds": PAYS,
    "GET /budgets/funds/{fund_id}": LOOKS_AT_PAYMENTS,
    "POST /budgets/funds/{fund_id}": PAYS,
    "GET /budgets/codes": LOOKS_AT_PAYMENTS,
    "POST /budgets/codes": PAYS,
    "GET /budgets/orders": LOOKS_AT_PAYMENTS,
    "POST /budgets/orders": PAYS,
    "GET /budgets/orders/{order_id}": LOOKS_AT_PAYMENTS,
    "POST /budgets/orders/{order_id}": PAYS,
    "GET /payments/invoices": LOOKS_AT_PAYMENTS,
    "GET /payments/invoices/new": PAYS,
    "POST /payments/invoices/new": PAYS,
    "GET /payments/invoices/{invoice_id}": LOOKS_AT_PAYMENTS,
    "POST /payments/invoices/{invoice_id}/cover": PAYS,
    "POST /payments/invoices/{invoice_id}/explain": PAYS,
    "POST /payments/invoices/{invoice_id}/withdraw": PAYS,
    "POST /payments/invoices/{invoice_id}/papers": PAYS,
    "GET /payments/invoices/{invoice_id}/papers/{paper_id}": LOOKS_AT_PAYMENTS,
    "GET /payments/{reference}/coding": PAYS,
    "POST /payments/{reference}/coding": PAYS,
    "GET /payments/batches": LOOKS_AT_PAYMENTS,
    "GET /payments/batches/{number}": LOOKS_AT_PAYMENTS,
    "GET /payments/batches/{number}/file": LOOKS_AT_PAYMENTS,
    "GET /payments/codes": LOOKS_AT_PAYMENTS,
    "POST /payments/codes": PAYS,
    "GET /payments/journal": LOOKS_AT_PAYMENTS,
    "POST /payments/journal": LOOKS_AT_PAYMENTS,
    "GET /payments/batches/{number}/papers": LOOKS_AT_PAYMENTS,
    "POST /payments/batches/{number}/remittances": PAYS,
    "GET /payments/batches/{number}/remittances": LOOKS_AT_PAYMENTS,
    "GET /payments/batches/{number}/lines/{line}/remittance": LOOKS_AT_PAYMENTS,
    "GET /payments/batches/{number}/audit-pack": LOOKS_AT_PAYMENTS,
    "GET /payments/formats": LOOKS_AT_PAYMENTS,
    "GET /payments/formats/{code}": LOOKS_AT_PAYMENTS,
    "GET /payments/formats/{code}/copy": PAYS,
    "POST /payments/formats/{code}/copy": PAYS,
    "GET /payments/formats/{code}/change": PAYS,
    "POST /payments/formats/{code}/change": PAYS,
    "POST /payments/formats/{code}/retire": PAYS,
    "GET /payments/{reference}": LOOKS_AT_PAYMENTS,
    "POST /payments/{reference}/submit": PAYS,
    "POST /payments/{reference}/approve": PAYS,
    "POST /payments/{reference}/cancel": PAYS,
    "GET /payments/export": PAYS,
    "GET /payments/new": PAYS,
    "POST /payments/new": PAYS,
    "POST /payments/approve": PAYS,
    "POST /payments/{reference}/part": PAYS,
    "POST /payments/{reference}/cash": PAYS,
    "GET /payments/{reference}/receipt.pdf": LOOKS_AT_PAYMENTS,
    "GET /payments/credits": LOOKS_AT_PAYMENTS,
    "POST /payments/credits": PAYS,
    "POST /payments/credits/set-off": PAYS,
    "GET /payments/credits/{reference}": LOOKS_AT_PAYMENTS,
    "POST /payments/credits/{reference}/decide": PAYS,
    "POST /payments/credits/{reference}/repaid": PAYS,
    "POST /payments/credits/{reference}/papers": PAYS,
    "GET /payments/credits/{reference}/papers/{paper_id}": LOOKS_AT_PAYMENTS,
    "GET /payments/months": LOOKS_AT_PAYMENTS,
    "GET /payments/months/{month}": LOOKS_AT_PAYMENTS,
    "POST /payments/months/{month}/close": PAYS,
    "POST /payments/months/{month}/open": LOOKS_AT_PAYMENTS,
    "POST /payments/batches/{number}/file": PAYS,
    "POST /payments/batches/{number}/void": PAYS,
    "GET /payments/batches/{number}/lines/{line}": LOOKS_AT_PAYMENTS,
    "POST /payments/batches/{number}/lines/{line}": PAYS,
    "GET /imports": COORDINATES,
    "POST /imports": COORDINATES,
    "GET /imports/{import_id}": COORDINATES,
    "POST /imports/{import_id}": COORDINATES,
    "POST /imports/{import_id}/continue": COORDINATES,
    "POST /imports/{import_id}/stop": COORDINATES,
    "GET /imports/{import_id}/report.csv": COORDINATES,
}
# Addresses that show nobody's data and take nothing.
OPEN = frozenset(
    {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /static/{name}",
        "HEAD /static/{name}",
        "GET /api/v1/openapi.json",
        "GET /api/v1/openapi.json/openapi.json",
        "GET /api/v1/openapi.json/{path}",
    }
)
TABLES_WITH_CONTENT = (
    "member", "activity", "register", "contribution", "register_upload", "offer", "redemption", "redemption_event",
    "payable", "payable_event", "payment_batch", "bank_account", "member_role", "consent", "consent_topic", "supporter",
    "group_membership", "member_upload", "pause", "departure", "safeguarding_person", "member_age",
    "guardian_consent", "member_check", "confidence_report", "confidence_step", "activity_leader", "session",
    "attendance", "check_in_code", "activity_photo",
    "offer_group", "offer_photo", "saved_offer", "waiting",
    "import_run", "import_line", "import_person", "gift", "pot_ask", "statement_code",
)  # fmt: skip


def application_routes() -> list[str]:
    """Every method and path that the application answers, parameters as ``{name}``; OPTIONS is Litestar's own."""
    app = create_app(Settings(database_url="postgresql://unused/"))
    found = set()
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path}: this test knows only HTTP"
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path_format.replace(":str", "").replace(":int", ""))
        found |= {f"{method} {path}" for method in route.methods if method != "OPTIONS"}
    return sorted(found)


ROUTES = application_routes()
# Whatever no other route answers: there is no such page, in the frame of whoever asks.
NOWHERE = frozenset(route for route in ROUTES if route.endswith(" /{rest}"))
PAGE_POSTS = [route for route in PAGES if route.startswith("POST")]
API_ROUTES = [route for route in ROUTES if " /api/v1/" in route and route not in OPEN]


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


@pytest.fixture(scope="module")
async def world(db: Database) -> World:
    app = create_app(
        Settings(database_url="postgresql://unused/", smtp_url="smtp://127.0.0.1:1"), db=db, clock=FixedClock(NOW)
    )
    app.state.db = db  # what its start would do; a fixture for a whole module cannot hold the application's life

    def module_client() -> Browser:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        return Browser(transport=transport, base_url="http://timebank.test", headers=OURS)

    bank, other = await make_bank(db), await make_bank(db)
    await bank.member(SOMEBODY)
    admin = await bank.member("Demo admin", "admin")
    stranger = await other.member("Stranger", "admin", "finance")
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
    ids = {
        "token": "no-such-token",
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
        "supporter_id": "1000000",
        "belonging_id": "1000000",
        "registers.reference": saved.reference,
        "contribution_id": str(waiting),
        "offer_id": str(spent_on),
        "bookings.reference": booking,
        "bookings.offer_id": str(full),
        "waiting_id": str(turn),
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
        "number": str(batch.number),
        "line": "1",
        "begins": "2025-04-06",
        "month": "2026-02",
        "payments.reference": owed,
        "claims.reference": await sent_claim(bank),
        "receipt_id": "1000000",
        "n": "1",
        "rate_id": "1000000",
        "budget_id": "1000000",
        "fund_id": "1000000",
        "order_id": "1000000",
        "invoice_id": "1000000",
        "paper_id": "1000000",
        "me.reference": "0000-0000",
        "payments.code": own_format.code,
        "delivery_id": str(call_id),
        "messages.number": str(letters),
        "message_id": str(message_id),
        "version_number": str(await a_second_version(bank, _as(bank, admin, "admin"))),
        "view_id": "1000000",
        "batch_id": "1000000",
        "payee_id": str(payee),
        "account_id": str(await proposed(db, bank.finance_two, payee)),
        "look_id": "1000000",
        "till.reference": "0000-0000",
        "name": "none.css",
        "path": "none",
        "rest": "no/such/page",
        "way": "email",
        "link": "no-such-link",
        "api.reference": saved.reference,
        **await help_between_members(bank),
    }
    for where, led_by in ((bank, admin), (other, stranger)):
        naming = NamePerson(member_id=led_by, part="lead")
        assert isinstance(await name_person(db, system(where.id), naming, key=uuid4().hex, **call), Recorded)
    seen = AddCheck(member_id=bank.participant.member_id or 0, kind="reference", issued_on=bank.now.date())
    check = await add_check(db, system(bank.id), seen, key=uuid4().hex, **call)
    assert isinstance(check, Recorded)
    told = await tell(
        db, bank.participant, TellSomeone(happened="Something"), network="192.0.2.1", key=uuid4().hex, **call
    )
    assert isinstance(told, Told)
    ids |= {"slug": bank.facts.slug, "check_id": str(check.id), "confidence.reference": told.reference}
    made = World(db, bank, ids)
    actors = {
        "participant": bank.participant,
        "coordinator": bank.coordinator_two,
        "finance": bank.finance,
        "admin": _as(bank, admin, "admin"),
        "other bank": _as(other, stranger, "admin", "finance"),
    }
    made.browsers["anonymous"] = module_client()
    for name, actor in actors.items():
        made.browsers[name] = module_client()
        await made.browsers[name].sign_in(db, actor)
    return made


def is_denied(who: str, route: str, answer: httpx.Response) -> bool:
    """True for the answer that somebody gets who may not use a page."""
    if who != "anonymous":
        return answer.status_code == 403
    if route.startswith("POST"):
        return answer.status_code == 419  # the form is kept until they have signed in
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


def test_every_route_is_in_a_table() -> None:
    assert sorted({*PAGES, *OPEN, *API_ROUTES, *NOWHERE}) == ROUTES
    assert API_ROUTES


@pytest.mark.parametrize("route", sorted(NOWHERE))
async def test_an_unknown_page_is_unknown_to_everybody(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in ANYONE:
        # A method that pages do not use carries no form, so it ends at the protection of forms.
        expected = {404} if route.startswith(("GET", "POST")) else {404, 419}
        assert (await world.ask(who, route)).status_code in expected, who
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", API_ROUTES)
async def test_the_api_knows_nobody_without_a_token(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in ("anonymous", "coordinator", "finance"):
        # A session is of no use here: the API has no protection against forged forms.
        answer = await world.ask(who, route)
        assert answer.status_code == 401, who
        assert answer.headers["content-type"] == "application/problem+json"
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", [route for route, allowed in PAGES.items() if allowed != ANYONE])
async def test_a_page_is_closed_to_everybody_else(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in ANYONE - PAGES[route]:
        answer = await world.ask(who, route)
        assert is_denied(who, route, answer), f"{who} got {answer.status_code}"
        assert SOMEBODY not in answer.text
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", [route for route in PAGES if route.startswith("GET")])
async def test_a_page_is_open_to_whom_it_is_for(world: World, route: str) -> None:
    for who in PAGES[route]:
        answer = await world.ask(who, route)
        assert answer.status_code not in (401, 403, 419), who
        assert answer.status_code < 500, who


@pytest.mark.parametrize("route", sorted(PAGES))
async def test_ids_of_another_time_bank_name_nothing(world: World, route: str) -> None:
    if route in CHANGES_THE_SESSION:
        pytest.skip("names nothing, and would end the session of the others")
    before = await world.fingerprint()
    answer = await world.ask("other bank", route)
    assert answer.status_code < 500
    # A way to sign in and a month are nobody's; what comes of it is the asker's own.
    if "{" in route.replace("{way}", "").replace("{month}", "") and PAGES[route] != ANYONE:
        assert answer.status_code == 404, answer.text[:300]
    assert SOMEBODY not in answer.text
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", PAGE_POSTS)
async def test_a_form_from_elsewhere_or_of_another_session_changes_nothing(world: World, route: str) -> None:
    before = await world.fingerprint()
    for who in PAGES[route]:
        assert (await world.ask(who, route, headers=THEIRS)).status_code == 403, who
        assert (await world.ask(who, route, headers={"Sec-Fetch-Site": "same-site"})).status_code == 403, who
        for csrf in ("", "x", world.browsers["other bank"].csrf):
            if who == "anonymous" and not csrf:
                continue  # there is no session yet to protect
            answer = await world.ask(who, route, csrf=csrf)
            assert answer.status_code == 419, f"{who} with {csrf!r}"
    assert await world.fingerprint() == before


@pytest.mark.parametrize("route", [*ROUTES, "GET /sign-in/nowhere/at/all", "DELETE /members", "POST /static/x"])
async def test_security_headers_are_on_every_answer(world: World, route: str) -> None:
    for who in ("anonymous", "participant"):
        answer = await world.ask(who, route, csrf="wrong")
        for name, value in ALWAYS.items():
            # A page with a secret in its address says less about where it is.
            expected = {value, "no-referrer"} if name == "Referrer-Policy" else {value}
            assert answer.headers.get(name) in expected, f"{name} for {who}"
        assert answer.headers.get("cache-control"), who
        assert "server" not in answer.headers
        if who == "participant" and route in PAGES and PAGES[route] != ANYONE:
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("route", [route for route in PAGE_POSTS if route not in CHANGES_THE_SESSION])
async def test_a_form_is_taken_from_whom_it_is_for(world: World, route: str) -> None:
    """Comes last, because it changes things."""
    for who in PAGES[route]:
        answer = await world.ask(who, route)
        assert answer.status_code not in (401, 403, 419), who
        assert answer.status_code < 500, who
