"""The files of the real tier: the same on every machine, and exactly the members, exchanges and hours of each bank."""

import csv
import io

import pytest

from tests.benchmarks.import_figures import DATA, Network, networks, transfers_file, users_file

MADE_UP = [
    Network("none-yet", 2, 0, 0),
    Network("one", 2, 1, 3),
    Network("odd", 7, 13, 29),
    Network("long", 11, 2, 29856),
    Network("short", 40, 600, 10),
]


def check(bank: Network) -> None:
    users = list(csv.reader(io.StringIO(users_file(bank).decode())))
    transfers = list(csv.reader(io.StringIO(transfers_file(bank).decode()))) if bank.exchanges else []
    assert len({row[0] for row in users}) == bank.members
    assert len(transfers) == bank.exchanges
    assert sum(int(row[4]) for row in transfers) == bank.hours * 3600
    numbers = {row[0] for row in users}
    for payer, _, payee, _, seconds, *_ in transfers:
        assert payer != payee
        assert {payer, payee} <= numbers
        assert int(seconds) > 0
        assert int(seconds) % 60 == 0


@pytest.mark.parametrize("bank", MADE_UP, ids=lambda bank: bank.name)
def test_a_bank_adds_up(bank: Network) -> None:
    check(bank)
    assert transfers_file(bank) == transfers_file(bank) or not bank.exchanges


def test_every_bank_of_the_network_adds_up() -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not on this machine")
    banks = networks()
    assert (len(banks), sum(bank.members for bank in banks), sum(bank.exchanges for bank in banks)) == (
        156,
        15_215,
        239_666,
    )
    assert sum(bank.hours for bank in banks) == 1_029_062
    for bank in sorted(banks, key=lambda bank: bank.exchanges)[::12]:
        check(bank)
