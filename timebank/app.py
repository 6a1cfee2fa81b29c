"""The composition root: the only file that knows every room."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

from granian.utils.proxies import wrap_asgi_with_proxy_headers
from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController

from timebank import health, jobs
from timebank.activities import api as activities_api
from timebank.activities import web as activities_web
from timebank.activities.service import remind
from timebank.budgets import api as budgets_api
from timebank.budgets import web as budgets_web
from timebank.claims import api as claims_api
from timebank.claims import web as claims_web
from timebank.claims.service import forget_old
from timebank.claims.service import tell_due as tell_of_claims
from timebank.concerns import api as concerns_api
from timebank.concerns import web as concerns_web
from timebank.concerns.service import look_after
from timebank.confidence import api as confidence_api
from timebank.confidence import web as confidence_web
from timebank.confidence.service import remind_readers
from timebank.contributions import api as contributions_api
from timebank.contributions import web as contributions_web
from timebank.contributions.photos import delete_unused
from timebank.contributions.reminding import tell_deciders
from timebank.contributions.service import forget_guests
from timebank.db import Database
from timebank.fees import api as fees_api
from timebank.fees import web as fees_web
from timebank.fees import web_staff as fees_web_staff
from timebank.fees.service import tell_due as tell_of_fees
from timebank.governance import api as governance_api
from timebank.governance import web as governance_web
from timebank.home import web as home_web
from timebank.home import web_about, web_offline
from timebank.home.money import remind as remind_of_money
from timebank.hours import api as hours_api
from timebank.hours import web as hours_web
from timebank.identity import web as identity_web
from timebank.identity.purge import purge
from timebank.identity.sessions import SessionMiddleware
from timebank.imports import api as imports_api
from timebank.imports import web as imports_web
from timebank.imports.service import continue_due, tidy_due
from timebank.jobs import Job
from timebank.jobs import web as jobs_web
from timebank.kit import vault
from timebank.kit.clock import Clock, SystemClock
from timebank.logs import configure_logging
from timebank.members import api as members_api
from timebank.members import web as members_web
from timebank.members.checks import keep_watch
from timebank.members.leaving import erase_due
from timebank.members.many import forget_lists
from timebank.members.pausing import end_pauses_due
from timebank.members.web_acting import within_scope
from timebank.messages import api as messages_api
from timebank.messages import web as messages_web
from timebank.messages.delivering import Courier
from timebank.messages.packing import pack
from timebank.payees import api as payees_api
from timebank.payees import web as payees_web
from timebank.payees import web_mine as payees_web_mine
from timebank.payees import weights
from timebank.payees.forgetting import forget_accounts
from timebank.payees.telling import Letters
from timebank.payments import api as payments_api
from timebank.payments import api_credits as payments_api_credits
from timebank.payments import api_formats as payments_api_formats
from timebank.payments import api_invoices as payments_api_invoices
from timebank.payments import api_months as payments_api_months
from timebank.payments import api_papers as payments_api_papers
from timebank.payments import api_runs as payments_api_runs
from timebank.payments import api_settings as payments_api_settings
from timebank.payments import api_steps as payments_api_steps
from timebank.payments import web as payments_web
from timebank.payments import web_coding as payments_web_coding
from timebank.payments import web_credits as payments_web_credits
from timebank.payments import web_formats as payments_web_formats
from timebank.payments import web_invoices as payments_web_invoices
from timebank.payments import web_months as payments_web_months
from timebank.payments import web_papers as payments_web_papers
from timebank.payments import web_runs as payments_web_runs
from timebank.payments import web_settings as payments_web_settings
from timebank.payments import web_steps as payments_web_steps
from timebank.payments.months import look_also
from timebank.payments.remittance_mail import RemittanceMail
from timebank.peers import api as peers_api
from timebank.peers import web as peers_web
from timebank.peers.service import look_after as look_after_asks
from timebank.peers.service import remind as remind_of_reports
from timebank.rates import api as rates_api
from timebank.rates import web as rates_web
from timebank.reconciliation import api as reconciliation_api
from timebank.reconciliation import month_checks
from timebank.reconciliation import web as reconciliation_web
from timebank.reconciliation import web_lines as reconciliation_web_lines
from timebank.reconciliation.service import continue_due as continue_statements
from timebank.redemptions import api as redemptions_api
from timebank.redemptions import (
    api_manage,
    api_offers,
    api_suppliers,
    api_vouchers,
    web_codes,
    web_manage,
    web_offers,
    web_suppliers,
    web_till,
    web_till_dates,
    web_vouchers,
)
from timebank.redemptions import web as redemptions_web
from timebank.redemptions.service import move_on, remind_due, time_out_due
from timebank.redemptions.suppliers_confirming import forget_attempts
from timebank.redemptions.vouchers_expiring import end_due
from timebank.reports import api as reports_api
from timebank.reports import web as reports_web
from timebank.settings import Settings, SettingsError, load
from timebank.signin import web as signin_web
from timebank.signin.passkeys import forget_challenges
from timebank.signin.service import forget_asks
from timebank.statements import api as statements_api
from timebank.statements import web as statements_web
from timebank.web import configure
from timebank.web.api import EXCEPTION_HANDLERS

look_also(month_checks.look)

PAGES = (
    rates_web, fees_web, fees_web_staff, budgets_web, payments_web_invoices, payments_web_coding,
    identity_web, signin_web, home_web, web_about, web_offline, members_web, activities_web, contributions_web,
    redemptions_web, web_offers, web_manage, web_vouchers, web_codes,
    web_suppliers, web_till, web_till_dates, payments_web, payments_web_runs, payments_web_formats, payments_web_papers,
    payments_web_settings, payments_web_steps, payments_web_credits, payments_web_months,
    payees_web, payees_web_mine, messages_web, concerns_web,
    reconciliation_web, reconciliation_web_lines,
    confidence_web, governance_web, imports_web, jobs_web, hours_web, statements_web, peers_web, reports_web,
    claims_web,
)  # fmt: skip
API = (
    rates_api, fees_api, budgets_api, payments_api_invoices,
    members_api, hours_api, activities_api, contributions_api, redemptions_api, api_offers, api_manage, api_vouchers,
    api_suppliers, payments_api, payments_api_steps, payments_api_formats, payments_api_papers,
    payments_api_settings, payments_api_runs, payments_api_credits, payments_api_months, payees_api,
    messages_api, concerns_api, confidence_api, governance_api, imports_api,
    reconciliation_api, statements_api, peers_api, claims_api, reports_api,
)  # fmt: skip


def jobs_of(settings: Settings) -> tuple[Job, ...]:
    """The background work, in the order in which a round does it."""
    courier = Courier(settings)
    return (
        Job("time_out_bookings", "End bookings that waited too long", time_out_due),
        Job("remind_of_bookings", "Remind of bookings that end or begin soon", remind_due, every=timedelta(minutes=15)),
        Job("move_waiting_lists", "Offer free places to those who wait", move_on),
        Job("look_after_asks", "Ask how help between members was", look_after_asks, every=timedelta(minutes=15)),
        Job("remind_of_reports", "Remind of reports that nobody has read", remind_of_reports, every=timedelta(hours=1)),
        Job("end_vouchers", "Remind of vouchers that end, and end them", end_due),
        Job("tell_of_fees", "Tell people where the money of their fees is", tell_of_fees),
        Job("tell_of_claims", "Tell people where the money for their costs is", tell_of_claims),
        Job("pack_messages", "Put messages into e-mails, texts, calls and letters", pack),
        Job("send_mail", "Send e-mails", courier.send_mail),
        Job("send_texts", "Send text messages", courier.send_texts),
        Job("send_remittances", "Tell payees of their payments by e-mail", RemittanceMail(settings).send_due),
        Job("write_to_payees", "Write to payees about their bank details", Letters(settings).send_due),
        Job("forget_accounts", "Delete accounts of members who left", forget_accounts, every=timedelta(hours=12)),
        Job("remind_of_sessions", "Remind people of sessions they signed up for", remind, every=timedelta(minutes=15)),
        Job("end_pauses", "Welcome back members whose pause is over", end_pauses_due, every=timedelta(minutes=15)),
        Job("import_statements", "Go on with bank statements that take long", continue_statements),
        Job("import_files", "Go on with files brought from other programs", continue_due),
        Job("tidy_imports", "Delete files that nobody imported", tidy_due, every=timedelta(hours=12)),
        Job("let_members_go", "Delete what was held about members who left", erase_due, every=timedelta(minutes=15)),
        Job("watch_checks", "Warn of checks that end, and of birthdays", keep_watch, every=timedelta(hours=1)),
        Job("confidence", "Remind of what was told in confidence", remind_readers, every=timedelta(hours=1)),
        Job("look_after_queries", "Find who answers questions, and remind", look_after, every=timedelta(minutes=15)),
        Job("tell_deciders", "Tell approvers and deputies what waits", tell_deciders, every=timedelta(hours=1)),
        Job("remind_of_money", "Tell who decides what money waits for", remind_of_money, every=timedelta(hours=1)),
        Job("delete_photos", "Delete photos that were never sent", delete_unused, every=timedelta(hours=1)),
        Job("forget_receipts", "Delete receipts that need not be kept", forget_old, every=timedelta(hours=12)),
        Job("forget_guests", "Forget the names of guests who did not join", forget_guests, every=timedelta(hours=1)),
        Job("forget_lists", "Delete lists of members that nobody confirmed", forget_lists, every=timedelta(hours=1)),
        Job(
            "forget_challenges",
            "Delete questions that passkeys did not answer",
            forget_challenges,
            every=timedelta(hours=1),
        ),
        Job("forget_codes", "Delete codes to sign in with", forget_asks, every=timedelta(hours=1)),
        Job("forget_tries", "Delete wrong codes of vouchers after a month", forget_attempts, every=timedelta(hours=1)),
        Job("forget_sign_ins", "Delete ended sessions and old links", purge, every=timedelta(hours=1)),
    )


API_VERSION = "1.0.0"


class Metrics(PrometheusController):
    """Counts and times by route, without ids or names."""

    path = "/metrics"
    include_in_schema = False


def from_environment() -> Any:
    """The application as a server starts it: settings from the environment, the real clock, behind a trusted proxy or
    not.
    """
    settings = load()
    configure_logging()
    app = create_app(settings)
    return wrap_asgi_with_proxy_headers(app, settings.trusted_proxies) if settings.trusted_proxies else app


def create_app(settings: Settings, *, db: Database | None = None, clock: Clock | None = None) -> Litestar:
    """Put the rooms together. A test gives its own database and clock."""
    clock = clock or SystemClock()
    if settings.data_key:
        vault.use(vault.split(settings.data_key))
    try:
        weights.use(settings.modulus_dir)
    except ValueError as error:
        raise SettingsError(f"TIMEBANK_MODULUS_DIR cannot be used: {error}.") from error
    metrics = PrometheusConfig(app_name="timebank", prefix="timebank", group_path=True, exclude=["/metrics", "/static"])
    app = Litestar(
        route_handlers=[
            *health.ROUTES,
            Metrics,
            Router("/", route_handlers=[route for room in PAGES for route in room.ROUTES], include_in_schema=False),
            *(route for room in API for route in room.ROUTES),
            *jobs_web.API_ROUTES,
        ],
        middleware=[metrics.middleware, SessionMiddleware()],
        lifespan=[_database(settings, db, clock)],
        on_app_init=[configure],
        guards=[within_scope],
        logging_config=None,  # structlog does it; Litestar's own would start a thread that outlives the application
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=OpenAPIConfig(
            title="Timebank",
            version=API_VERSION,
            description="Hours given, spent and proved. Minutes are whole numbers, times UTC, every POST repeatable.",
            # Litestar answers every unknown address below this path with a page of its own.
            path="/api/v1/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"bearer": []}],
            tags=[
                Tag(name="hours"),
                Tag(name="members"),
                Tag(name="registers"),
                Tag(name="redemptions"),
                Tag(name="peers"),
                Tag(name="payments"),
                Tag(name="reconciliation"),
                Tag(name="activities"),
                Tag(name="messages"),
                Tag(name="concerns"),
                Tag(name="rules"),
                Tag(name="imports"),
            ],
        ),
    )
    app.state.settings = settings
    app.state.clock = clock
    app.state.jobs = jobs_of(settings)
    return app


def _database(
    settings: Settings, given: Database | None, clock: Clock
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """The application's life: the pool is open and jobs run while it serves. A given database stays its giver's."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if given is not None:
            app.state.db = given
            yield
            return
        if settings.database_url is None:
            raise RuntimeError(
                "the application needs TIMEBANK_DATABASE_URL; `timebank serve` sets it for the embedded one"
            )
        db = await Database.open(
            settings.database_url,
            pool_size=settings.pool_size,
            command_timeout_seconds=settings.command_timeout_seconds,
            unread_languages=settings.unread_languages,
        )
        app.state.db = db
        try:
            async with jobs.running(db, clock, app.state.jobs):
                yield
        finally:
            await db.close()

    return lifespan
