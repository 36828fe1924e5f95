"""Mails go in by SMTP and come out on the page and as JSON."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from demo.mailbox import MAX_MESSAGES, Inbox, Mailbox, create_app, text_and_links

TEXT = "Bonjour Anaïs,\nvotre lien : http://localhost:8000/reset/abc?x=1&y=é.\nÀ bientôt — œuvre"


def mail(subject: str = "Votre code d'accès à l'été", text: str = TEXT, html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "sesame@example.org", "anais@example.org", subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def page(inbox):
    return create_app(inbox).test_client()


@pytest.fixture
def smtp_port(inbox) -> Iterator[int]:
    with Mailbox(inbox, 0) as mailbox:
        yield mailbox.port


def put(inbox: Inbox, message: EmailMessage) -> None:
    inbox.receive(message.as_bytes(), ["anais@example.org"])


def test_a_mail_sent_by_smtp_is_read_as_json(smtp_port, page):
    with smtplib.SMTP("127.0.0.1", smtp_port) as smtp:
        smtp.send_message(mail(html="<p>Bonjour Anaïs</p>"))
    (message,) = page.get("/messages").json
    assert set(message) == {"id", "to", "subject", "text", "html", "received_at"}
    assert message["to"] == "anais@example.org"
    assert message["subject"] == "Votre code d'accès à l'été"
    assert message["text"] == TEXT
    assert message["html"] == "<p>Bonjour Anaïs</p>"
    assert message["received_at"].endswith("+00:00")


def test_a_port_in_use_is_told(inbox, smtp_port):
    with pytest.raises(OSError, match="in use"):
        Mailbox(inbox, smtp_port).start()


def test_newest_first(inbox, page):
    for subject in ("un", "deux"):
        put(inbox, mail(subject))
    assert [message["subject"] for message in page.get("/messages").json] == ["deux", "un"]


def test_the_oldest_make_place(inbox, page):
    for number in range(MAX_MESSAGES + 5):
        put(inbox, mail(str(number)))
    messages = page.get("/messages").json
    assert len(messages) == MAX_MESSAGES
    assert messages[0]["subject"] == str(MAX_MESSAGES + 4)


def test_delete_clears(inbox, page):
    put(inbox, mail())
    assert page.delete("/messages").status_code == 204
    assert page.get("/messages").json == []


def test_the_page_shows_text_and_links(inbox, page):
    put(inbox, mail())
    shown = page.get("/").text
    assert "Bonjour Anaïs" in shown
    assert 'href="http://localhost:8000/reset/abc?x=1&amp;y=é"' in shown


def test_the_page_escapes(inbox, page):
    put(inbox, mail("<script>1</script>", "<script>2</script>", "<script>3</script>"))
    shown = page.get("/").text
    assert not any(f"<script>{number}" in shown for number in "123")


def test_html_is_shown_in_a_sandbox_only(inbox, page):
    put(inbox, mail(html="<p>Bonjour</p>"))
    assert '<iframe sandbox src="/messages/1/html"' in page.get("/").text
    response = page.get("/messages/1/html")
    assert response.text == "<p>Bonjour</p>"
    assert response.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_a_mail_without_html_has_no_html_page(inbox, page):
    put(inbox, mail())
    assert page.get("/messages/1/html").status_code == 404
    assert page.get("/messages/99/html").status_code == 404


def test_a_charset_that_nobody_knows_is_no_error(inbox, page):
    inbox.receive(b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nbonjour", ["a@example.org"])
    assert page.get("/messages").json[0]["text"] == "bonjour"


def test_a_mail_without_anything_is_no_error(inbox, page):
    inbox.receive(b"", [])
    assert page.get("/messages").json[0]["subject"] == ""
    assert "(sans objet)" in page.get("/").text


def test_another_host_name_is_refused(page):
    assert page.get("/messages", headers={"Host": "attacker.example"}).status_code == 400


def test_a_full_stop_does_not_belong_to_the_link():
    pieces = list(text_and_links("Voir http://a.test/x?b=1. (http://a.test/y) fin"))
    assert [piece for piece, is_link in pieces if is_link] == ["http://a.test/x?b=1", "http://a.test/y"]
    assert "".join(piece for piece, _ in pieces) == "Voir http://a.test/x?b=1. (http://a.test/y) fin"
