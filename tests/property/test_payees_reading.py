"""Whatever somebody types where an account goes: it is read or refused in words, never half."""

from hypothesis import given
from hypothesis import strategies as st

from timebank.payees import weights
from timebank.payees.modulus import check
from timebank.payees.reading import NO_TABLE, Read, Typed, read

digits = st.text("0123456789", min_size=6, max_size=8)
gaps = st.sampled_from(["", " ", "-", "–", ". "])


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_anything_is_read_or_refused(holder: str, sort_code: str, number: str, iban: str, bic: str) -> None:
    found = read(Typed(holder=holder, sort_code=sort_code, number=number, iban=iban, bic=bic), weights.table())
    if isinstance(found, list):
        assert found
        assert all(refusal.message and refusal.field for refusal in found)
        return
    assert found.account.holder
    assert found.account.is_uk or found.account.iban


@given(st.text("0123456789", min_size=6, max_size=6), digits, gaps)
def test_digits_with_gaps_keep_their_value_and_their_check(sort_code: str, number: str, gap: str) -> None:
    spaced = gap.join(number)
    typed = Typed(holder="A", sort_code=gap.join(sort_code), number=spaced)
    table = weights.table()
    assert table is not None
    expected = check(table, sort_code, number.zfill(8))
    found = read(typed, table)
    if expected == "failed":
        assert isinstance(found, list)
        assert [refusal.code for refusal in found] == ["account_wrong"]
    else:
        assert isinstance(found, Read)
        assert (found.account.sort_code, found.account.number) == (sort_code, number.zfill(8))
        assert found.checked == expected
    unchecked = read(typed, None)
    assert isinstance(unchecked, Read)
    assert unchecked.checked == NO_TABLE


@given(st.text("0123456789", min_size=8, max_size=8), st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_never_passes_a_plain_check(number: str, place: int, more: int) -> None:
    """MOD11 with weights below 11 notices every single wrong digit: what the rules are for."""
    table = weights.table()
    assert table is not None
    (rule,) = table.rules_for("107999")
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    if rule.weights[6 + place] % 11 and check(table, "107999", number) == "passed":
        assert check(table, "107999", wrong) == "failed"
