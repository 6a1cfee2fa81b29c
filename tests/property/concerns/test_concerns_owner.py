"""Who answers is never somebody with a hand in the entry, and everybody else takes turns."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from timebank.concerns.rules import Candidate, choose_owner

MOMENT = datetime(2026, 3, 10, tzinfo=UTC)
people = st.integers(1, 12)
moments = st.none() | st.integers(0, 10_000).map(lambda minutes: MOMENT + timedelta(minutes=minutes))
candidates = st.lists(
    st.builds(Candidate, member_id=people, open_count=st.integers(0, 5), last_given_at=moments),
    unique_by=lambda one: one.member_id,
    max_size=12,
)


@given(free=candidates, excluded=st.frozensets(people))
def test_the_owner_is_a_candidate_and_never_excluded(free: list[Candidate], excluded: frozenset[int]) -> None:
    owner = choose_owner(free, excluded)
    left = [one for one in free if one.member_id not in excluded]
    if owner is None:
        assert not left, "somebody could have answered"
        return
    assert owner not in excluded
    chosen = next(one for one in left if one.member_id == owner)
    assert chosen.open_count == min(one.open_count for one in left)
    same = [one for one in left if one.open_count == chosen.open_count]
    if any(one.last_given_at is None for one in same):
        assert chosen.last_given_at is None
    else:
        assert chosen.last_given_at == min(one.last_given_at for one in same if one.last_given_at)


@given(free=candidates, excluded=st.frozensets(people), order=st.randoms())
def test_the_order_in_which_people_are_listed_does_not_matter(
    free: list[Candidate], excluded: frozenset[int], order: Random
) -> None:
    mixed = list(free)
    order.shuffle(mixed)
    assert choose_owner(mixed, excluded) == choose_owner(free, excluded)


@given(count=st.integers(1, 6), rounds=st.integers(1, 5), closes=st.booleans())
def test_everybody_takes_turns(count: int, rounds: int, closes: bool) -> None:
    """Whether questions are answered at once or pile up, nobody gets two more than another."""
    last: dict[int, datetime] = {}
    given_to: Counter[int] = Counter()
    for turn in range(count * rounds):
        free = [Candidate(one, 0 if closes else given_to[one], last.get(one)) for one in range(1, count + 1)]
        owner = choose_owner(free, frozenset())
        assert owner is not None
        given_to[owner] += 1
        last[owner] = MOMENT + timedelta(minutes=turn)
    assert set(given_to.values()) == {rounds}
