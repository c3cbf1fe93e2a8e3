from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts import message as messages
from alerts.alert import State
from alerts.notifier import Refused, Retry
from alerts.notifiers import email
from monitor.config import ConfigError, Secret, convert
from tests.alerts.notifiers.servers import Mail, mailing, server_tls
from tests.alerts.sample import CONFIG, alert, steady
from tests.readings import NOW, gap

TO = ["officer@example.com", "ada@example.com"]
FIRING = messages.render(alert(), CONFIG)
RESOLVED = messages.render(alert(sequence=2, state=State.RESOLVED, changed=NOW + 1), CONFIG)


def notifier(port: int, **settings) -> email.Notifier:
    raw = {"host": "127.0.0.1", "port": port, "sender": "fairlead@example.com", "to": TO, "security": "none"}
    return email.Notifier(convert(raw | settings, email.Settings, "notifiers.email.x"), "notifiers.email.x")


async def test_arrives_as_text_and_html():
    async with mailing(Mail()) as server:
        await notifier(server.port).send(FIRING)
    ((recipients, mail),) = server.got
    assert recipients == TO
    assert mail["From"] == "fairlead@example.com"
    assert mail["To"] == "officer@example.com, ada@example.com"
    assert mail["Subject"] == f"[CRITICAL] {FIRING.title}"
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for content in (text, html):
        for needed in (
            FIRING.title,
            FIRING.summary,
            "1,795",
            "1,488",
            "+24.7 points",
            FIRING.link,
            "Owner: Ada",
        ):
            assert needed.replace("+", "&#43;") in content or needed in content


async def test_a_repeat_has_the_same_id_and_an_episode_is_one_thread():
    first, again, resolved = (email.compose(m, "f@example.com", TO) for m in (FIRING, FIRING, RESOLVED))
    assert first["Message-ID"] == again["Message-ID"] == f"<{FIRING.id}.1@example.com>"
    assert resolved["Message-ID"] == f"<{FIRING.id}.2@example.com>"
    assert first["References"] == resolved["References"] == f"<{FIRING.id}.episode-1@example.com>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert resolved["Subject"].startswith("[resolved]")


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        ("451 Try again later", Retry("SMTP 451 (SMTPDataError)")),
        ("554 This looks like spam to officer@example.com", Refused("SMTP 554 (SMTPDataError)")),
    ],
)
async def test_the_servers_no(answer, raised):
    async with mailing(Mail()) as server:
        server.answers = [answer]
        with pytest.raises(type(raised)) as caught:
            await notifier(server.port).send(FIRING)
    assert caught.value.reason == raised.reason


async def test_only_those_who_have_not_got_it_are_written_to_again():
    async with mailing(Mail()) as server:
        server.refused = {"ada@example.com": ["450 Greylisted, come back", "450 Greylisted, come back"]}
        mailer = notifier(server.port)
        for _ in range(2):
            with pytest.raises(Retry, match=r"refused 1 of \d recipients \(450\)"):
                await mailer.send(FIRING)
        await mailer.send(FIRING)
        await mailer.send(RESOLVED)
    assert [recipients for recipients, _ in server.got] == [["officer@example.com"], ["ada@example.com"], TO]


async def test_a_recipient_who_does_not_exist_is_said_without_the_address():
    async with mailing(Mail()) as server:
        server.refused = {"ada@example.com": ["550 No such user ada@example.com"]}
        with pytest.raises(Refused) as caught:
            await notifier(server.port).send(FIRING)
    assert caught.value.reason == "the mail server refused 1 of 2 recipients (550)"
    assert [recipients for recipients, _ in server.got] == [["officer@example.com"]]


@pytest.mark.parametrize(("code", "kind"), [("450", Retry), ("550", Refused)])
async def test_nobody_accepted(code, kind):
    async with mailing(Mail()) as server:
        server.refused = {address: [f"{code} no"] for address in TO}
        with pytest.raises(kind, match=rf"refused 2 of 2 recipients \({code}\)"):
            await notifier(server.port).send(FIRING)
    assert server.got == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encrypted_and_logged_in(security, certificate):
    mail = Mail(login=("fairlead", "hunter2"), tls=server_tls(certificate))
    login = {"username": "fairlead", "password": Secret("hunter2"), "ca_file": str(certificate / "cert.pem")}
    async with mailing(mail, at_once=security == "tls") as server:
        await notifier(server.port, security=security, **login).send(FIRING)
        wrong = login | {"password": Secret("hunter3")}
        with pytest.raises(Retry) as caught:
            await notifier(server.port, security=security, **wrong).send(FIRING)
    assert len(mail.got) == 1
    assert mail.logged_in
    assert caught.value.reason == "SMTP 535 (SMTPAuthenticationError)"


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_an_unknown_certificate_gets_neither_mail_nor_password(security, certificate):
    mail = Mail(login=("fairlead", "hunter2"), tls=server_tls(certificate))
    login = {"username": "fairlead", "password": Secret("hunter2")}
    async with mailing(mail, at_once=security == "tls") as server:
        with pytest.raises(Retry, match="the mail server cannot be used"):
            await notifier(server.port, security=security, **login).send(FIRING)
    assert mail.got == []


async def test_starttls_is_never_given_up_for_a_server_without_it():
    async with mailing(Mail()) as server:
        with pytest.raises(Retry, match="the mail server cannot be used: SMTPException"):
            await notifier(server.port, security="starttls").send(FIRING)
    assert server.got == []


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (
            {"to": []},
            r"notifiers\.email\.x\.to: \[\] is not allowed; allowed: a list of at least one mail address",
        ),
        ({"to": ["ada"]}, r"notifiers\.email\.x\.to: 'ada' is not allowed; allowed: a mail address such as"),
        ({"sender": "a@b.c\nBcc: d@e.f"}, r"notifiers\.email\.x\.sender: 'a@b\.c\\nBcc"),
        ({"sender": "Ada <a@b.c>"}, r"notifiers\.email\.x\.sender"),
        (
            {"username": "u", "password": Secret("p")},
            r"security: 'none' is not allowed; allowed: starttls or tls",
        ),
        ({"username": "u"}, r"password: 'u' is not allowed; allowed: a username and a password, or neither"),
        ({"security": "ssl"}, r"security: 'ssl' is not allowed"),
        ({"security": "tls", "ca_file": "nowhere.pem"}, r"ca_file: 'nowhere\.pem' is not allowed"),
    ],
)
def test_settings_that_are_not_allowed(settings, error):
    with pytest.raises(ConfigError, match=error):
        notifier(25, **settings)


@steady
@given(st.text(max_size=60))
def test_no_name_can_add_a_header_or_markup(name):
    evidence = gap(group=name + "\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>")
    mail = email.compose(messages.render(alert(evidence=evidence), CONFIG), "f@example.com", TO)
    raw = mail.as_bytes(policy=policy.SMTP)
    head = raw.split(b"\r\n\r\n", 1)[0].lower()
    assert b"\nbcc:" not in head
    assert "<script" not in mail.get_body(("html",)).get_content()


def test_a_message_without_facts_is_still_a_whole_mail():
    bare = replace(FIRING, facts=[], sections=[], link="")
    html = email.compose(bare, "f@example.com", TO).get_body(("html",)).get_content()
    assert "<table" not in html
    assert "Open the page" not in html
