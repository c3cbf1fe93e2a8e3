"""Slack, through an incoming webhook. Block Kit; https://docs.slack.dev/messaging/ describes both."""

import logging
import re
from typing import Any

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from alerts import message as messages
from alerts import posting
from alerts.alert import State
from alerts.message import Message
from alerts.notifier import Retry, Sender
from monitor.config import Secret, Section

# Slack's limits: characters of a header, of a text, of a field, and fields in a block.
HEADER, TEXT, FIELD, FIELDS = 150, 3000, 2000, 10

_SIGNS = {"info": ":information_source:", "warning": ":warning:", "critical": ":rotating_light:"}
_RESOLVED = ":white_check_mark:"
_MARKUP = re.compile(r"[*~`]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word is none


class Settings(Section, frozen=True):
    """`url` is the webhook's, which is a secret: who has it can write to the channel."""

    url: Secret


class Notifier(Sender):
    """Posts to one channel."""

    def __init__(self, settings: Settings, key: str) -> None:
        self._url = posting.checked(settings.url.value, f"{key}.url", shown="…")

    async def send(self, message: Message) -> None:
        """Slack says `ok`, or why not: 429 and 5xx may pass, invalid_payload and no_service do not."""
        title = escape(f"{messages.badge(message)} {message.title}")
        try:
            async with posting.session(self.timeout_s) as session:
                client = _client(self._url, session)
                answer = await client.send(text=title, blocks=blocks(message), unfurl_links=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Retry(posting.trouble(error)) from None
        posting.judge(answer.status_code, answer.headers, detail=_word(answer.body))


def _client(url: str, session: aiohttp.ClientSession) -> AsyncWebhookClient:
    # The client's own log would hold the address, and its own retries would hide Slack's wishes from ours.
    silent = logging.Logger("slack_sdk", logging.CRITICAL)
    return AsyncWebhookClient(url, session=session, logger=silent, retry_handlers=[])


def blocks(message: Message) -> list[dict[str, Any]]:
    """The message in Slack's blocks."""
    sign = _RESOLVED if message.state is State.RESOLVED else _SIGNS[message.severity]
    title = _cut(f"{sign} {_entities(message.title)}", HEADER)
    found: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}},
        {"type": "section", "text": _mrkdwn(escape(message.summary))},
    ]
    facts = [_mrkdwn(f"*{escape(name)}*\n{escape(value)}", FIELD) for name, value in message.facts]
    found += [{"type": "section", "fields": facts[i : i + FIELDS]} for i in range(0, len(facts), FIELDS)]
    found += [_section(section.title, section.lines) for section in message.sections]
    if message.link:
        found.append({"type": "section", "text": _mrkdwn(f"<{escape(message.link)}|Open the page>")})
    return found


def escape(text: str) -> str:
    r"""Text in which Slack sees no link, mention or markup.

    Slack knows no escape for its own bold, italic, strike and code signs, so an invisible word joiner
    keeps them from pairing up.

    >>> escape("<!channel> R&D age_band"), escape("*A*")
    ('&lt;!channel&gt; R&amp;D age_band', '\u2060*\u2060A\u2060*\u2060')
    """
    return _MARKUP.sub("\u2060\\g<0>\u2060", _entities(text))


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(title: str, lines: list[str]) -> dict[str, Any]:
    body = "\n".join(f"• {escape(line)}" for line in lines)
    return {"type": "section", "text": _mrkdwn(f"*{escape(title)}*\n{body}")}


def _mrkdwn(text: str, limit: int = TEXT) -> dict[str, Any]:
    # Verbatim: bare addresses and channel names in a group's name do not become links.
    return {"type": "mrkdwn", "text": _cut(text, limit), "verbatim": True}


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _word(body: str) -> str:
    """Slack's answer is one word, such as no_service; anything else is not ours to log."""
    return body if body.isidentifier() and len(body) <= 40 else ""
