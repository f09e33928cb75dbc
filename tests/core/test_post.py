"""Letters, handed in to a real mail server."""

import logging
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from socket import create_server
from threading import Barrier
from urllib.parse import quote

import pytest

from app.core import smtp
from app.core.post import Letter, Post
from tests import mail
from tests.certificate import make_certificate
from tests.mail import PASSWORD, SENDER, USER, Inbox
from tests.processes import free_port

LETTER = Letter("ada@example.com", "Ben invites you to “Zoë & Co”", "Häuser\n.\nThe end\n")
HERE = "http://127.0.0.1:8000"
LOGIN = f"{quote(USER, '')}:{quote(PASSWORD, '')}"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail.serving() as inbox:
        yield inbox


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """Give what a server shows who it is with, on this computer."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*make_certificate(tmp_path))
    return context


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certified: ssl.SSLContext) -> None:
    """Let this computer trust that certificate, as an operator would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))


def post(url: str) -> Post:
    return Post(HERE, url, SENDER)


def received(inbox: Inbox, letter: Letter) -> EmailMessage:
    assert post(inbox.url).send(letter)
    envelope = inbox.envelope()
    assert envelope.rcpt_tos == ["ada@example.com"]
    return mail.read(envelope)


def test_a_letter_arrives_as_it_was_written(inbox: Inbox) -> None:
    assert post(inbox.url).send(LETTER)
    envelope = inbox.envelope()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("post@example.com", ["ada@example.com"])
    letter = mail.read(envelope)
    assert (letter["From"], letter["To"]) == (SENDER, "ada@example.com")
    assert (letter["Subject"], mail.text(letter)) == (LETTER.subject, LETTER.text)
    assert letter["Message-ID"].endswith("@example.com>")
    assert letter["Date"].datetime
    assert letter["Auto-Submitted"] == "auto-generated"


def test_where_no_mail_server_is_set_no_letter_is_sent() -> None:
    assert not Post(HERE).is_set
    assert not Post(HERE).send(LETTER)
    assert post("smtp://127.0.0.1").is_set


def test_a_link_leads_to_the_public_url() -> None:
    assert Post(HERE).link("/invite/x") == f"{HERE}/invite/x"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028", "\x1c"])
@pytest.mark.parametrize("start", ["Acme", "Zoë", "x" * 76])
def test_no_subject_makes_another_header_or_another_body(
    inbox: Inbox, start: str, end: str
) -> None:
    subject = f"{start}{end}Bcc: ben@example.com{end}{end}Follow this link"
    letter = received(inbox, Letter("ada@example.com", subject, "text"))
    assert letter["Bcc"] is None
    assert letter["Subject"].strip() == f"{start} Bcc: ben@example.com Follow this link"
    assert mail.text(letter) == "text\n"


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ada",
        "ada@example.com, ben@example.com",
        "ada@example.com\r\nBcc: ben@example.com",
        "ada@example.com\nRCPT TO:<ben@example.com>",
        "<ada@example.com>",
        "Ada <ada@example.com>",
        "ada@example.com>\r\nDATA",
        '"ada ben"@example.com',
        "ada@example.com ben@example.com",
        "ada@[127.0.0.1]",
        "ada@example.com\0",
    ],
)
def test_what_is_no_one_address_gets_no_letter(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, to: str
) -> None:
    assert not post(inbox.url).send(Letter(to, "Subject", "text"))
    assert inbox.envelopes.empty()
    assert [record.message for record in caplog.records] == ["a letter was not sent: ValueError"]


def test_a_domain_in_other_letters_is_written_in_ascii(inbox: Inbox) -> None:
    assert post(inbox.url).send(Letter("ada@bücher.example.com", "Subject", "text"))
    assert inbox.envelope().rcpt_tos == ["ada@xn--bcher-kva.example.com"]


@pytest.mark.parametrize("refusal", ["550 ada@example.com is unknown", "451 later", "x"])
def test_a_refused_letter_is_one_line_in_the_log_without_address_or_text(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    inbox.refusal = refusal
    with caplog.at_level(logging.DEBUG):
        assert not post(inbox.url).send(LETTER)
    [record] = [record for record in caplog.records if record.name.startswith("app.")]
    assert record.message.startswith("a letter was not sent: SMTP")
    assert record.exc_info is None
    for word in ("ada", "Zoë", "Häuser", "unknown"):
        assert word not in record.message


def test_a_server_that_is_not_there_is_a_letter_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    assert not post(f"smtp://127.0.0.1:{free_port()}").send(LETTER)
    assert [r.message for r in caplog.records] == ["a letter was not sent: ConnectionRefusedError"]


def test_a_server_that_says_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert smtp._PATIENCE == 10
    monkeypatch.setattr(smtp, "_PATIENCE", 0.1)
    with create_server(("127.0.0.1", 0)) as silent:
        assert not post(f"smtp://127.0.0.1:{silent.getsockname()[1]}").send(LETTER)
    [record] = caplog.records
    assert record.message == "a letter was not sent: SMTPServerDisconnected"


def test_a_password_goes_over_tls_alone(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    with mail.serving(auth_require_tls=False) as plain:
        assert not post(f"smtp://{LOGIN}@127.0.0.1:{plain.port}").send(LETTER)
        assert (plain.passwords, plain.envelopes.empty()) == ([], True)
    [record] = caplog.records
    assert record.message == "a letter was not sent: SMTPNotSupportedError"


@pytest.mark.parametrize(
    ("url", "asks"),
    [
        ("smtp://127.0.0.1", False),
        ("smtp://localhost:25", False),
        ("smtp://[::1]:25", False),
        ("smtp://a:b@127.0.0.1", True),
        ("smtp://mail.example.com", True),
        ("smtp://127.0.0.1.example.com", True),
        ("smtp://10.0.0.1", True),
    ],
)
def test_only_this_machine_is_spoken_to_in_clear(url: str, *, asks: bool) -> None:
    server = smtp.MailServer.at(url)
    assert server.asks_for_tls is asks
    assert not server.begins_in_tls


def test_without_a_port_it_is_that_of_submission() -> None:
    ports = [smtp.MailServer.at(f"{scheme}://a").port for scheme in ("smtp", "smtps")]
    assert ports == [587, 465]


@pytest.mark.usefixtures("trusted")
def test_a_letter_goes_over_starttls_with_the_password(certified: ssl.SSLContext) -> None:
    with mail.serving(tls_context=certified, require_starttls=True, auth_required=True) as inbox:
        assert post(f"smtp://{LOGIN}@localhost:{inbox.port}").send(LETTER)
        assert mail.text(inbox.letter()) == LETTER.text
        assert inbox.passwords == [PASSWORD.encode()]


@pytest.mark.usefixtures("trusted")
def test_a_wrong_password_is_a_letter_not_sent(
    certified: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    with mail.serving(tls_context=certified, auth_required=True) as inbox:
        assert not post(f"smtp://ada:hush@localhost:{inbox.port}").send(LETTER)
        assert inbox.envelopes.empty()
    assert [r.message for r in caplog.records] == [
        "a letter was not sent: SMTPAuthenticationError 535"
    ]


@pytest.mark.usefixtures("trusted")
def test_a_letter_goes_over_tls_from_the_first_byte(certified: ssl.SSLContext) -> None:
    with mail.serving(certified) as inbox:
        assert post(f"smtps://localhost:{inbox.port}").send(LETTER)
        assert inbox.letter()["Subject"] == LETTER.subject


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_with_a_strangers_certificate_gets_nothing(
    certified: ssl.SSLContext, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    options = {"tls": certified} if scheme == "smtps" else {"tls_context": certified}
    with mail.serving(**options) as inbox:
        assert not post(f"{scheme}://{LOGIN}@localhost:{inbox.port}").send(LETTER)
        assert (inbox.passwords, inbox.envelopes.empty()) == ([], True)
    messages = [r.message for r in caplog.records if r.name.startswith("app.")]
    assert messages == ["a letter was not sent: SSLCertVerificationError"]


def test_who_has_a_letter_sent_soon_does_not_wait_for_it(inbox: Inbox) -> None:
    reached = Barrier(2)

    class Slow(Post):
        def send(self, letter: Letter) -> bool:
            reached.wait(10)
            return super().send(letter)

    Slow(HERE, inbox.url, SENDER).send_soon(LETTER)
    assert inbox.envelopes.empty()
    reached.wait(10)
    assert inbox.letter()["Subject"] == LETTER.subject


def test_only_so_many_letters_wait(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    reached = Barrier(2)

    class Held(Post):
        def send(self, letter: Letter) -> bool:
            reached.wait(10)
            return super().send(letter)

    Held(HERE, inbox.url, SENDER).send_soon(LETTER)
    for _ in range(51):
        post(inbox.url).send_soon(LETTER)
    reached.wait(10)
    assert [inbox.letter()["To"] for _ in range(50)] == ["ada@example.com"] * 50
    messages = [r.message for r in caplog.records if r.name.startswith("app.")]
    assert messages == ["a letter was not sent: too many wait"] * 2


def test_the_mail_servers_password_is_in_no_text_of_ours() -> None:
    url = f"smtp://{LOGIN}@127.0.0.1"
    assert quote(PASSWORD, "") not in repr(post(url))
    assert PASSWORD not in repr(smtp.MailServer.at(url))
