"""The vault: what it locks it opens, with old keys too, and what it says without one."""

import stat
from pathlib import Path

import pytest

from timebank.kit import vault
from timebank.kit.vault import KeyMissing, Vault, new_key


def test_what_is_locked_opens_again_and_looks_different_every_time() -> None:
    keys = Vault([new_key()])
    assert keys.unseal(keys.seal("B7K2M-9QXTR\n1234")) == "B7K2M-9QXTR\n1234"
    assert keys.seal("x") != keys.seal("x")


def test_a_new_key_in_front_still_opens_and_finds_what_the_old_one_locked() -> None:
    old = new_key()
    before, after = Vault([old]), Vault([new_key(), old])
    assert after.unseal(before.seal("code")) == "code"
    assert before.mark("code", "A1") in after.marks("code", "A1")
    assert after.mark("code", "A1") != before.mark("code", "A1")
    assert before.tokens("link", b"m")[0] in after.tokens("link", b"m")


def test_a_lost_key_is_said() -> None:
    with pytest.raises(KeyMissing, match="TIMEBANK_DATA_KEY"):
        Vault([new_key()]).unseal(Vault([new_key()]).seal("x"))


def test_marks_of_one_text_differ_by_key_and_purpose() -> None:
    one, other = Vault([new_key()]), Vault([new_key()])
    assert len({one.mark("a", "x"), one.mark("b", "x"), other.mark("a", "x"), one.mark("a", "y")}) == 4


@pytest.mark.parametrize("keys", [[], ["short"], ["x" * 44], [new_key()] * (vault.MAX_KEYS + 1)])
def test_what_is_no_key_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="TIMEBANK_DATA_KEY"):
        Vault(keys)


def test_the_key_beside_the_embedded_database_is_for_its_owner_and_stays(tmp_path: Path) -> None:
    made = vault.key_beside(tmp_path)
    assert stat.S_IMODE((tmp_path / vault.KEY_FILE).stat().st_mode) == 0o600
    assert vault.key_beside(tmp_path) == made
    Vault(made)


def test_without_a_key_it_says_what_to_do() -> None:
    before = vault.vault()
    vault.use([])
    try:
        with pytest.raises(KeyMissing, match="make env"):
            vault.vault()
    finally:
        vault._in_use[:] = [before]
