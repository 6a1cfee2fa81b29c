"""Whoever gives is credited all their minutes, nobody pays more than they have, and corrections undo what they mend."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from timebank.contributions import exchanges
from timebank.contributions.exchanges import CORRECTIONS, ISSUED, Share, Spare
from timebank.hours.rules import POT, account_of

GIVER = 1
TARGET = account_of(GIVER)
minutes = st.integers(1, 1440)
has = st.integers(-100, 2000)
pots = st.integers(0, 2000)  # the pot's floor is nothing
receivers = st.dictionaries(st.integers(2, 30), has, min_size=1, max_size=8)


def shared(length: int, there: dict[int, int], pot: int, receivers_pay: bool) -> tuple[Share, Spare, Spare]:
    spare = Spare({**{account_of(id_): amount for id_, amount in there.items()}, POT: pot, TARGET: 0})
    before = spare.copy()
    paying = exchanges.payers(list(there), receivers_pay=receivers_pay)
    return exchanges.share("exchange", length, TARGET, spare, paying=paying), before, spare


@settings(deadline=None)
@given(length=minutes, there=receivers, pot=pots, receivers_pay=st.booleans())
def test_the_giver_has_all_and_nobody_less_than_nothing(
    length: int, there: dict[int, int], pot: int, receivers_pay: bool
) -> None:
    found, before, _ = shared(length, there, pot, receivers_pay)
    assert sum(found.legs.values()) == 0
    assert found.legs[TARGET] == length
    for id_, paid in found.paid.items():
        assert 0 <= paid <= min(length, before.of(account_of(id_)))
    collected = sum(found.paid.values())
    if len(there) > 1 and not receivers_pay:
        assert found.legs == {ISSUED: -length, TARGET: length}
        return
    assert all(paid == min(length, before.of(account_of(id_))) for id_, paid in found.paid.items())
    from_pot = -found.legs.get(POT, 0)
    assert found.pot_minutes == from_pot
    if collected >= length:
        assert from_pot == length - collected  # a surplus goes to the pot
        assert ISSUED not in found.legs
    else:
        assert from_pot == min(length - collected, before.of(POT))
        # Only what receivers and pot both lack is issued.
        assert -found.legs.get(ISSUED, 0) == length - collected - from_pot


@settings(deadline=None)
@given(length=minutes, after=minutes, there=receivers, pot=pots, receivers_pay=st.booleans())
def test_what_is_written_down_gives_the_same_legs_again(
    length: int, after: int, there: dict[int, int], pot: int, receivers_pay: bool
) -> None:
    found, _, spare = shared(length, there, pot, receivers_pay)
    again = exchanges.again("exchange", length, TARGET, found.paid, found.pot_minutes)
    assert again.legs == found.legs
    # Taken out by somebody who has it all still: everybody is where they were.
    kept, short = exchanges.spared(exchanges.difference({}, again.legs), spare)
    assert short == {}
    assert {account: -amount for account, amount in kept.items()} == dict(found.legs)


@settings(deadline=None)
@given(
    legs=st.dictionaries(st.sampled_from(["member/1", "member/2", POT]), st.integers(-500, 500).filter(bool)),
    there=st.dictionaries(st.sampled_from(["member/1", "member/2", POT]), has),
)
def test_nobody_is_taken_below_nothing(legs: dict[str, int], there: dict[str, int]) -> None:
    balanced = exchanges.net([*legs.items(), (ISSUED, -sum(legs.values()))])
    before = Spare(there)
    kept, short = exchanges.spared(balanced, Spare(there))
    assert sum(kept.values()) == 0
    for account in ("member/1", "member/2", POT):
        assert kept.get(account, 0) >= -before.of(account)
        assert kept.get(account, 0) == balanced.get(account, 0) + short.get(account, 0)
    assert kept.get(CORRECTIONS, 0) == -sum(short.values())
    assert kept.get(ISSUED, 0) == balanced.get(ISSUED, 0)


@settings(deadline=None)
@given(there=st.dictionaries(st.sampled_from("abc"), has), legs=st.dictionaries(st.sampled_from("abc"), has))
def test_what_is_used_is_used_once(there: dict[str, int], legs: dict[str, int]) -> None:
    spare = Spare(there)
    spare.copy().use(legs)
    assert all(spare.of(account) == max(0, amount) for account, amount in there.items())
    spare.use(legs)
    sums = Counter(there)
    sums.update(legs)
    assert all(spare.of(account) == max(0, sums[account]) for account in there)
    assert all(spare.of(account) == 0 for account in set(legs) - set(there))
