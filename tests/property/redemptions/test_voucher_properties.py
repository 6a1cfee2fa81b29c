"""Whatever is typed at a till: parts never exceed the value, the end is final, codes survive being typed badly."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from timebank.redemptions import voucher_rules as vr
from timebank.redemptions.voucher_rules import UseFacts, VoucherFacts

NOW = datetime(2026, 3, 10, 14, 30, tzinfo=UTC)
PENCE = st.one_of(st.none(), st.integers(min_value=-50, max_value=1200))


@given(st.integers(1, 1000), st.booleans(), st.lists(st.tuples(PENCE, st.integers(-70, 20)), max_size=12))
def test_parts_never_exceed_the_value(value: int, allows_parts: bool, tries: list[tuple[int | None, int]]) -> None:
    facts = VoucherFacts(
        id=1, redemption_id=1, payee_id=1, value_pence=value, spent_pence=0, allows_parts=allows_parts, valid_days=None,
        returns_hours=True, state=vr.LIVE, expires_at=NOW + timedelta(days=10),
    )  # fmt: skip
    uses: list[UseFacts] = []
    for pence, days in tries:
        at = NOW + timedelta(days=days)
        refusals = vr.check_use(
            facts, uses, pence=pence, used_on=at.date(), currency="GBP", time_zone="Europe/London", now=NOW
        )
        if refusals:
            continue
        assert facts.state == vr.LIVE
        assert at.date() <= min(NOW.date(), vr.last_day(facts.expires_at, "Europe/London"))
        used = facts.left_pence if pence is None else pence
        uses.append(UseFacts(reference="AAAA-BBBB", n=len(uses) + 1, pence=used, used_on=at.date(), at=NOW))
        spent = facts.spent_pence + used
        facts = msgspec.structs.replace(facts, spent_pence=spent, state=vr.USED if spent == value else vr.LIVE)
    assert sum(use.pence for use in uses) == facts.spent_pence <= value
    assert allows_parts or len(uses) <= 1
    assert (facts.state == vr.USED) == (facts.spent_pence == value)


@given(st.text(alphabet=vr.ALPHABET, min_size=9, max_size=9), st.lists(st.sampled_from(" -–./_\u00ad"), max_size=6))
def test_a_code_is_read_with_whatever_stands_between(letters: str, between: list[str]) -> None:
    code = letters + vr.check_letter(letters)
    typed = "".join(letter + (between[n] if n < len(between) else "") for n, letter in enumerate(code.lower()))
    assert vr.read_code(typed) == code


@given(st.text(max_size=80))
def test_reading_never_fails_and_gives_only_good_codes(typed: str) -> None:
    code = vr.read_code(typed)
    assert code is None or vr.check_letter(code[:-1]) == code[-1]
