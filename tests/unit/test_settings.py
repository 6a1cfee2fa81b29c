"""Settings come from the environment once, and a bad one is named."""

from pathlib import Path

import pytest

from timebank.settings import SettingsError, load


def test_nothing_set_means_embedded_on_this_machine() -> None:
    settings = load({})
    assert settings.database_url is None
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.base_url == "http://127.0.0.1:8000"
    assert not settings.is_https


def test_values_are_converted() -> None:
    settings = load(
        {
            "TIMEBANK_DATABASE_URL": "postgresql://timebank_app@db/timebank",
            "TIMEBANK_PORT": "8080",
            "TIMEBANK_DATA_DIR": "/srv/data",
            "TIMEBANK_PUBLIC_URL": "https://hours.example.org/",
        }
    )
    assert settings.port == 8080
    assert settings.data_dir == Path("/srv/data")
    assert settings.base_url == "https://hours.example.org"
    assert settings.is_https


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEBANK_PORT", "eighty"),
        ("TIMEBANK_PORT", "70000"),
        ("TIMEBANK_POOL_SIZE", "0"),
        ("TIMEBANK_DATABASE_URL", "mysql://somewhere/else"),
        ("TIMEBANK_PUBLIC_URL", "hours.example.org"),
        ("TIMEBANK_SMTP_URL", "mail.example.org:25"),
        ("TIMEBANK_SMTP_URL", "smtp://"),
        ("TIMEBANK_SMTP_URL", "smtp://host:99999"),
        ("TIMEBANK_SMTP_URL", "smtp://host?tls=perhaps"),
        ("TIMEBANK_MAIL_FROM", "Nobody"),
        ("TIMEBANK_SMS_URL", "ftp://gateway.example.org"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value})


def test_ways_to_send_messages() -> None:
    settings = load({"TIMEBANK_SMTP_URL": "smtp://a:b%40c@host?tls=required", "TIMEBANK_SMS_URL": "outbox:"})
    assert settings.smtp_url == "smtp://a:b%40c@host?tls=required"
    assert settings.sms_url == "outbox:"
    assert load({}).smtp_url is None
