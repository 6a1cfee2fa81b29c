"""Built assets: what the manifest names, in the best encoding that the browser takes."""

import gzip

import brotli
import pytest

import hatch_build
from timebank.web.static import asset_url, assets, best_encoding

BODIES = {"identity": b"", "br": b"", "gzip": b""}


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("BR;q=0.5, gzip", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.0", "identity"),
        ("", "identity"),
        ("brx", "identity"),
    ],
)
def test_the_best_encoding_that_is_accepted(accepted: str, encoding: str) -> None:
    assert best_encoding(accepted, BODIES) == encoding


def test_every_asset_has_the_same_content_in_every_encoding() -> None:
    files = assets().files

    assert set(assets().names) == {hatch_build.STYLESHEET, *hatch_build.COPIED}
    for asset in files.values():
        assert brotli.decompress(asset.bodies["br"]) == asset.bodies["identity"]
        assert gzip.decompress(asset.bodies["gzip"]) == asset.bodies["identity"]


def test_the_stylesheet_keeps_its_budget_and_loads_nothing() -> None:
    stylesheet = assets().files[assets().names["main.css"]]
    text = stylesheet.bodies["identity"].decode()

    assert len(stylesheet.bodies["br"]) <= 14 * 1024
    assert "url(" not in text
    assert "@import" not in text
    assert "GDS Transport" not in text


def test_an_address_carries_the_fingerprint() -> None:
    assert asset_url("main.css") == f"/static/{assets().names['main.css']}"
    with pytest.raises(KeyError):
        asset_url("nothing.css")
