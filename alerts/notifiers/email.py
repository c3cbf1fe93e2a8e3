"""Email over SMTP: a text and an HTML part, threaded by the alert's episode."""

import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from typing import Literal

import aiosmtplib
import jinja2

from alerts import message as messages
from alerts.alert import State
from alerts.message import Message
from alerts.notifier import Refused, Retry, Sender
from monitor import words
from monitor.config import ConfigError, Secret, Section

PORTS = {"starttls": 587, "tls": 465, "none": 25}
_COLOURS = {"info": "#1f4f8f", "warning": "#a85b00", "critical": "#b3261e"}
_RESOLVED = "#1b6e3c"
_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("alerts.notifiers", "."),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


class Settings(Section, frozen=True):
    """`sender` and `to` are addresses. `ca_file` holds the certificate of a mail server's own authority."""

    host: str
    sender: str
    to: list[str]
    port: int | None = None  # None: 587 with starttls, 465 with tls, 25 with none
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None


class Notifier(Sender):
    """Sends one mail to all its recipients."""

    def __init__(self, settings: Settings, key: str) -> None:
        _check(settings, key)
        self._settings = settings
        self._tls = _tls(settings, key)
        self._left: dict[str, list[str]] = {}  # Message-ID → who has not got it yet

    async def send(self, message: Message) -> None:
        """One transaction for all; when it is tried again, only for those who have not got it."""
        mail = compose(message, self._settings.sender, self._settings.to)
        name = mail["Message-ID"]
        left = self._left.get(name, self._settings.to)
        try:
            refused = await self._transmit(mail, left)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = {each.recipient: (each.code, each.message) for each in error.recipients}
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _judged(error) from None
        self._settle(name, refused, len(left))

    async def _transmit(self, mail: EmailMessage, to: list[str]) -> dict[str, tuple[int, str]]:
        settings = self._settings
        refused, _ = await aiosmtplib.send(
            mail,
            sender=settings.sender,
            recipients=to,
            hostname=settings.host,
            port=settings.port or PORTS[settings.security],
            username=settings.username,
            password=settings.password.value if settings.password else None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls,
            timeout=self.timeout_s,
        )
        return {to: (answer.code, answer.message) for to, answer in refused.items()}

    def _settle(self, name: str, refused: dict[str, tuple[int, str]], asked: int) -> None:
        self._left.pop(name, None)
        later = [to for to, (code, _) in refused.items() if code < 500]
        codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
        reason = f"the mail server refused {len(refused)} of {asked} recipients ({codes})"
        if later:
            self._left[name] = later
            raise Retry(reason)
        if refused:
            raise Refused(reason)


def compose(message: Message, sender: str, to: list[str]) -> EmailMessage:
    """The mail. Its Message-ID is the same whenever the same notification is sent, so that a repeat shows."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = words.clean(f"{messages.badge(message)} {message.title}", 200)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = localtime()
    domain = Address(addr_spec=sender).domain
    mail["Message-ID"] = f"<{message.id}.{message.sequence}@{domain}>"
    mail["References"] = mail["In-Reply-To"] = f"<{message.id}.episode-{message.episode}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # keeps "I am on holiday" from being answered
    mail.set_content(messages.text(message) + "\n")
    mail.add_alternative(_html(message), subtype="html")
    return mail


def _html(message: Message) -> str:
    colour = _RESOLVED if message.state is State.RESOLVED else _COLOURS[message.severity]
    template = _TEMPLATES.get_template("email.html.j2")
    return template.render(message=message, badge=messages.badge(message).strip("[]"), colour=colour)


def _judged(error: Exception) -> Retry | Refused:
    """A no to this very mail is final. A no to the login or the connection is a matter of the server's."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        reason = f"SMTP {error.code} ({type(error).__name__})"
        final = isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError)
        return Refused(reason) if final and error.code >= 500 else Retry(reason)
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return Retry("no answer in time")
    return Retry(f"the mail server cannot be used: {type(error).__name__}")


def _check(settings: Settings, key: str) -> None:
    for name, addresses in (("sender", [settings.sender]), ("to", settings.to)):
        for address in addresses:
            if not _is_address(address):
                raise ConfigError(f"{key}.{name}", address, "a mail address such as officer@example.com")
    if not settings.to:
        raise ConfigError(f"{key}.to", settings.to, "a list of at least one mail address")
    if settings.password and settings.security == "none":
        raise ConfigError(f"{key}.security", settings.security, "starttls or tls, as there is a password")
    if (settings.username is None) != (settings.password is None):
        raise ConfigError(f"{key}.password", settings.username, "a username and a password, or neither")


def _is_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):
        return False
    return bool(address.username and address.domain) and text.isprintable() and " " not in text


def _tls(settings: Settings, key: str) -> ssl.SSLContext | None:
    if settings.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        raise ConfigError(f"{key}.ca_file", settings.ca_file, "a file of PEM certificates") from None
