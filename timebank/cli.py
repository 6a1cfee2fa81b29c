"""The command ``timebank``: try it out, run it, set it up, prove it."""

import argparse
import importlib.metadata
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from timebank.commands.common import CommandError
from timebank.commands.exporting import add_arguments as add_export_arguments
from timebank.commands.exporting import run_export
from timebank.commands.importing import add_arguments as add_import_arguments
from timebank.commands.importing import run_import
from timebank.commands.papering import add_journal_arguments, add_pack_arguments, run_audit_pack, run_journal
from timebank.commands.reconciling import add_arguments as add_reconcile_arguments
from timebank.commands.reconciling import run_reconcile
from timebank.commands.serving import run_demo, run_serve
from timebank.commands.setting_up import run_bank_create, run_key, run_member_add, run_token_create
from timebank.commands.upkeep import run_migrate, run_prove, run_seal
from timebank.settings import Settings, SettingsError, load

EXIT_REFUSED = 1
EXAMPLES = """\
examples:
  timebank demo                      try everything, with demo data, on http://127.0.0.1:8000
  timebank bank create riverside "Riverside Time Bank"
  timebank member add riverside "Ada Example" --role admin --role coordinator
  timebank token create riverside 1 "Spreadsheet robot" --scope members:read --scope registers:write
  timebank import riverside timeoverflow-users members.csv --dry-run
  timebank export --timebank riverside --as 7
  timebank reconcile march.csv --timebank riverside --as 7
  timebank journal --timebank riverside --first 2026-03-01 --last 2026-03-31
  timebank audit-pack 12 --timebank riverside
  timebank prove                     check every invariant of every ledger book
  timebank seal                      seal the ledger and print the digests, to be written down elsewhere

Without TIMEBANK_DATABASE_URL the embedded PostgreSQL is used: fine for trying out, not for people's hours.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 refused or a check failed, 2 wrong usage."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options, load()))
    except (CommandError, SettingsError) as error:
        print(f"timebank: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    from ledger.commands import prove, seal

    parser = argparse.ArgumentParser(
        prog="timebank",
        description="A time bank for co-production: every hour given is one hour, in a ledger that can be proved.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"timebank {importlib.metadata.version('timebank')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = _command(commands, "demo", run_demo, "serve two demo time banks, with sign-in links for every role")
    demo.add_argument("--port", type=_port, default=8000, help="port to listen on (default 8000)")
    demo.add_argument("--data-dir", type=Path, help="where to keep the demo's database (default: TIMEBANK_DATA_DIR)")
    demo.add_argument("--fresh", action="store_true", help="delete the demo's database first and start anew")

    serve = _command(commands, "serve", run_serve, "run the service")
    serve.add_argument("--host", help="address to listen on (default TIMEBANK_HOST or 127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on (default TIMEBANK_PORT or 8000)")
    serve.add_argument("--workers", type=_workers, default=1, help="server processes, 1 to 32 (default 1)")

    migrate = _command(commands, "migrate", run_migrate, "bring the database to the newest version; safe to repeat")
    migrate.add_argument(
        "--bootstrap",
        action="store_true",
        help="first create the three roles and the database, as TIMEBANK_ADMIN_URL (once per server)",
    )

    prove.add_arguments(
        _command(commands, "prove", run_prove, "check every invariant of the ledger; exit 1 where one fails")
    )
    seal.add_arguments(_command(commands, "seal", run_seal, "seal the ledger, so that later tampering shows; or check"))

    bank = commands.add_parser("bank", help="time banks").add_subparsers(metavar="COMMAND", required=True)
    create = _command(bank, "create", run_bank_create, "make a time bank with its rules and accounts")
    create.add_argument("slug", help="short name in addresses and commands, such as riverside")
    create.add_argument("name", help="the name people see")
    create.add_argument("--time-zone", default="Europe/London", help="such as Europe/London (default)")
    create.add_argument("--currency", default="GBP", help="three capital letters (default GBP)")
    create.add_argument("--help-contact", default="", help="whom people call when stuck, shown on every page")
    create.add_argument("--safeguarding-lead", default="", help="without one, peer support stays off")

    member = commands.add_parser("member", help="members").add_subparsers(metavar="COMMAND", required=True)
    add = _command(member, "add", run_member_add, "add a member and print a one-time sign-in link")
    add.add_argument("bank", help="the time bank's short name")
    add.add_argument("name", help="the member's name as people see it")
    add.add_argument("--email", default="")
    add.add_argument("--phone", default="")
    add.add_argument("--role", action="append", default=[], choices=["coordinator", "finance", "admin"])

    _command(commands, "key", run_key, "print a new key for TIMEBANK_DATA_KEY")

    token = commands.add_parser("token", help="API tokens").add_subparsers(metavar="COMMAND", required=True)
    make = _command(token, "create", run_token_create, "make an API token that acts as a member; it is shown once")
    make.add_argument("bank", help="the time bank's short name")
    make.add_argument("member", type=int, help="the member's number")
    make.add_argument("name", help="what the token is for")
    make.add_argument("--scope", action="append", required=True, help="such as hours:read; repeat for more")
    make.add_argument("--days", type=int, default=365, help="how long it works (default 365)")

    add_import_arguments(
        _command(commands, "import", run_import, "bring members and hours from another program; safe to repeat")
    )
    add_export_arguments(
        _command(commands, "export", run_export, "make a payment run of what is ready, and write its file")
    )
    add_reconcile_arguments(
        _command(commands, "reconcile", run_reconcile, "import a bank statement and match it; safe to repeat")
    )
    add_journal_arguments(
        _command(commands, "journal", run_journal, "write the ledger's money entries for hledger or beancount")
    )
    add_pack_arguments(
        _command(commands, "audit-pack", run_audit_pack, "write all that stands behind a payment run, to check offline")
    )
    return parser


def _command(
    parent: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace, Settings], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = parent.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _workers(text: str) -> int:
    if not re.fullmatch(r"\d{1,2}", text) or not 1 <= int(text) <= 32:
        raise argparse.ArgumentTypeError("a number from 1 to 32")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
