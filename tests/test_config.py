"""The settings: what an operator may say, and what stops the start."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

import config
from config import SettingsInvalid


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Give an environment of the test's own."""
    monkeypatch.setenv("LATCHKEY_INSTANCE", str(tmp_path / "instance"))
    return monkeypatch


def fault(**overrides: object) -> str:
    with pytest.raises(SettingsInvalid) as refusal:
        config.load(**overrides)
    return str(refusal.value)


def test_without_a_word_it_serves_on_loopback_by_invitation(tmp_path: Path) -> None:
    settings = config.load()
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.database_url == f"sqlite:///{tmp_path}/instance/latchkey.sqlite3"
    assert settings.migration_url == settings.database_url
    assert (settings.signup, settings.registration, settings.rate_limits) == (
        "invite",
        "open",
        "on",
    )
    assert settings.is_loopback
    assert not settings.is_https


def test_each_setting_is_taken_from_its_variable(environment: pytest.MonkeyPatch) -> None:
    said = {
        "PUBLIC_URL": "https://tasks.example.com",
        "DATABASE_URL": "postgresql://app@db/latchkey",
        "MIGRATION_URL": "postgresql://owner@db/latchkey",
        "SECRET_KEY": "k" * 40,
        "HOST": "0.0.0.0",  # noqa: S104 - what an operator may say
        "PORT": "9000",
        "WORKERS": "4",
        "DEMO": "0",
        "SIGNUP": "open",
        "RATE_LIMITS": "on",
        "REGISTRATION": "closed",
        "TRUSTED_PROXIES": "1",
        "ALLOWED_ORIGINS": "https://app.example.com",
        "SMTP_URL": "smtp://app:hush%40@mail.example.com:2525",
        "MAIL_FROM": "Latchkey <post@example.com>",
    }
    for name, value in said.items():
        environment.setenv("LATCHKEY_" + name, value)
    settings = config.load()
    taken = {name: str(getattr(settings, name.lower())) for name in said}
    assert taken == said | {"DEMO": "False"}


def test_the_demo_opens_the_sign_up(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LATCHKEY_DEMO", "1")
    assert config.load().signup == "open"


def test_a_variable_that_is_empty_says_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LATCHKEY_PORT", "")
    assert config.load().port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("DEMO", "perhaps"),
        ("SIGNUP", "closed"),
        ("RATE_LIMITS", "0"),
        ("REGISTRATION", "Open"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "yes"),
        ("DATABASE_URL", "mysql://db/latchkey"),
        ("DATABASE_URL", "latchkey.sqlite3"),
        ("MIGRATION_URL", "db"),
        ("PUBLIC_URL", "tasks.example.com"),
        ("PUBLIC_URL", "ftp://tasks.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://["),
        ("PUBLIC_URL", "https://tasks.example.com/"),
        ("PUBLIC_URL", "https://tasks.example.com/app"),
        ("PUBLIC_URL", "https://tasks.example.com?"),
        ("PUBLIC_URL", "https://tasks.example.com#"),
        ("PUBLIC_URL", "https://ada@tasks.example.com"),
        ("PUBLIC_URL", "https://:x@tasks.example.com"),
        ("PUBLIC_URL", "https://tasks.example.com:99999"),
        ("PUBLIC_URL", "https://tasks.example.com:http"),
        ("PUBLIC_URL", "https://tasks example.com"),
        ("PUBLIC_URL", "https://tasks.\nexample.com"),
        ("PUBLIC_URL", 'https://tasks.example.com"'),
        ("SMTP_URL", "mail.example.com"),
        ("SMTP_URL", "https://mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://["),
        ("SMTP_URL", "smtp://mail.example.com:0"),
        ("SMTP_URL", "smtp://mail.example.com:smtp"),
        ("SMTP_URL", "smtp://mail.example.com/inbox"),
        ("SMTP_URL", "smtp://mail.example.com?tls=no"),
        ("SMTP_URL", "smtp://app@mail.example.com"),
        ("SMTP_URL", "smtp://:hush@mail.example.com"),
        ("SMTP_URL", "smtp://@mail.example.com"),
        ("SMTP_URL", "smtp://app:h\u00e9@mail.example.com"),
        ("SMTP_URL", "smtp://app:hush%0A@mail.example.com"),
        ("SMTP_URL", "smtp://mail.example.com\nDATA"),
        ("SMTP_URL", "smtp://mail example com"),
        ("MAIL_FROM", "post"),
        ("MAIL_FROM", "post@example.com, other@example.com"),
        ("MAIL_FROM", "post@example.com\nBcc: other@example.com"),
        ("MAIL_FROM", "Latchkey\n <post@example.com>"),
        ("MAIL_FROM", "p\u00f6st@example.com"),
        ("PROT", "8000"),
        ("SECRET", "x"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line_that_names_it(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv("LATCHKEY_" + name, value)
    line = fault()
    assert line.startswith(f"LATCHKEY_{name}: ")
    assert "\n" not in line
    assert line.count("LATCHKEY_") == 1


def test_an_unknown_variable_in_lower_case_is_unknown_too(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("latchkey_prot", "1")
    assert fault() == "latchkey_prot: there is no such setting"


def test_a_mail_server_without_a_sender_stops_the_start() -> None:
    assert fault(smtp_url="smtp://localhost").startswith("LATCHKEY_MAIL_FROM: ")


@pytest.mark.parametrize(
    "url",
    [
        "smtp://localhost",
        "smtp://127.0.0.1:1025/",
        "smtps://[::1]:465",
        "smtps://a%3Ab:c%2Fd%40@mail.example.com",
    ],
)
def test_a_mail_server_is_named_by_its_url(url: str) -> None:
    assert config.load(smtp_url=url, mail_from="post@example.com").smtp_url == url


@pytest.mark.parametrize("name", ["DEMO", "RATE_LIMITS"])
@pytest.mark.parametrize(
    "url",
    ["https://tasks.example.com", "http://10.0.0.1:8000", "http://localhost.example.com"],
)
def test_what_is_for_one_machine_is_refused_to_the_world(
    environment: pytest.MonkeyPatch, name: str, url: str
) -> None:
    environment.setenv("LATCHKEY_PUBLIC_URL", url)
    environment.setenv("LATCHKEY_" + name, {"DEMO": "1", "RATE_LIMITS": "off"}[name])
    assert fault().startswith(f"LATCHKEY_{name}: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - what is refused
def test_a_demo_that_listens_to_the_world_is_refused(host: str) -> None:
    assert fault(host=host, demo=True).startswith("LATCHKEY_DEMO: ")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_this_machine_alone(host: str) -> None:
    settings = config.load(host=host)
    assert settings.is_loopback
    assert settings.public_url.startswith("http://[" if ":" in host else "http://" + host)


def test_an_instance_folder_that_cannot_be_is_told_in_one_line(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("")
    environment.setenv("LATCHKEY_INSTANCE", str(tmp_path / "a file" / "instance"))
    assert fault().startswith("LATCHKEY_INSTANCE: ")
    assert "\n" not in fault()


def test_the_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = config.load(), config.load()
    kept = tmp_path / "instance" / "secret_key"
    assert first.secret_key == second.secret_key == kept.read_text()
    assert len(first.secret_key) >= 43
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_instance_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    config.load()
    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700


def test_a_key_file_that_was_left_empty_is_filled(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "secret_key").touch()
    assert config.load().secret_key == config.load().secret_key != ""


def test_many_that_start_at_once_share_one_key() -> None:
    start = Barrier(8)

    def load(_: int) -> str:
        start.wait()
        return config.load().secret_key

    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(load, range(8)))
    assert len(keys) == 1
    assert "" not in keys


def test_a_key_that_is_given_is_not_written_down(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("LATCHKEY_SECRET_KEY", "given")
    assert config.load().secret_key == "given"
    assert not (tmp_path / "instance" / "secret_key").exists()


def test_no_secret_is_in_the_settings_own_text(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LATCHKEY_DATABASE_URL", "postgresql://app:hush@db/latchkey")
    environment.setenv("LATCHKEY_SMTP_URL", "smtp://app:hush@mail.example.com")
    environment.setenv("LATCHKEY_MAIL_FROM", "post@example.com")
    settings = config.load()
    assert "hush" not in f"{settings!r} {settings}"
    assert settings.secret_key not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    "url", ["mysql://app@db/latchkey", "postgresql+psycopg2://app@db/latchkey", "sqlite://"]
)
def test_a_database_of_another_kind_stops_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsInvalid, match="LATCHKEY_DATABASE_URL"):
        config.load(instance=tmp_path, database_url=url)


def test_the_tables_and_their_owner_are_of_one_kind_of_database(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="LATCHKEY_MIGRATION_URL"):
        config.load(instance=tmp_path, migration_url="postgresql://owner@db/latchkey")


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("*", None),
        ("", None),
        (" * ", None),
        ("https://app.example.com", {"https://app.example.com"}),
        ("https://App.Example.com:443", {"https://app.example.com"}),
        (
            "https://a.example http://localhost:5173,http://[::1]:80, chrome-extension://abcdef",
            {
                "https://a.example",
                "http://localhost:5173",
                "http://[::1]",
                "chrome-extension://abcdef",
            },
        ),
    ],
)
def test_allowed_origins_are_read_as_browsers_write_them(
    environment: pytest.MonkeyPatch, text: str, origins: set[str] | None
) -> None:
    environment.setenv("LATCHKEY_ALLOWED_ORIGINS", text)
    assert config.load().origins == origins


@pytest.mark.parametrize(
    "text",
    [
        *("null", "app.example.com", "https://app.example.com/", "https://app.example.com/path"),
        *("https://*.example.com", "*, https://a.example", "https://a.example:0", "https://"),
        *("https://a.example:port", "https://u@a.example", "https://\u00e4.example", ",", "//a"),
    ],
)
def test_what_is_no_origin_stops_the_start(text: str) -> None:
    line = fault(allowed_origins=text)
    assert line.startswith("LATCHKEY_ALLOWED_ORIGINS: ")
    assert "\n" not in line
