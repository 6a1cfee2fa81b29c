"""The header links: only what the viewer may open, with the current place marked."""

import pytest

from timebank.web.navigation import links_for
from timebank.web.viewer import ANONYMOUS, Viewer


def labels(*roles: str) -> list[str]:
    viewer = Viewer(member_id=1, timebank_id=1, roles=frozenset(roles))
    return [link.label for link in links_for(viewer, "/")]


def test_nobody_signed_in_sees_no_links() -> None:
    assert links_for(ANONYMOUS, "/") == ()


def test_roles_add_links_and_never_take_any_away() -> None:
    everyone = labels()

    assert set(everyone) < set(labels("coordinator"))
    assert set(everyone) < set(labels("finance"))
    assert set(labels("coordinator")) | set(labels("finance")) == set(labels("coordinator", "finance"))


@pytest.mark.parametrize(
    ("path", "href", "is_current"),
    [("/offers", "/offers", True), ("/offers/3", "/offers", False), ("/", "/", True), ("/hours", "/", False)],
)
def test_the_current_place_is_marked(path: str, href: str, is_current: bool) -> None:
    here = [link for link in links_for(Viewer(member_id=1, timebank_id=1), path) if link.is_here]

    assert [(link.href, link.is_current_page) for link in here] == [(href, is_current)]


def test_the_longest_address_decides_which_place_it_is() -> None:
    coordinator = Viewer(member_id=1, timebank_id=1, roles=frozenset({"coordinator"}))

    def marked(path: str) -> list[str]:
        return [link.label for link in links_for(coordinator, path) if link.is_here]

    assert marked("/bookings/to-do") == ["Bookings to do"]
    assert marked("/bookings/AAAA-AAAA") == ["My bookings"]
    assert marked("/elsewhere") == []


def test_work_is_told_from_what_people_do_for_themselves() -> None:
    finance = Viewer(member_id=1, timebank_id=1, roles=frozenset({"finance"}))

    assert [link.label for link in links_for(finance, "/") if link.is_work] == ["Payments"]


@pytest.mark.parametrize("roles", [{"admin"}, {"finance"}, {"admin", "finance"}])
def test_who_may_look_at_payments_finds_them_once(roles: set[str]) -> None:
    person = Viewer(member_id=1, timebank_id=1, roles=frozenset(roles))

    assert [link.label for link in links_for(person, "/")].count("Payments") == 1


@pytest.mark.parametrize(
    ("roles", "label"), [({"finance"}, "Payments"), ({"coordinator"}, "More"), ({"coordinator", "finance"}, "More")]
)
def test_what_belongs_to_two_places_is_marked_once(roles: set[str], label: str) -> None:
    person = Viewer(member_id=1, timebank_id=1, roles=frozenset(roles))

    assert [link.label for link in links_for(person, "/claims/access") if link.is_here] == [label]
