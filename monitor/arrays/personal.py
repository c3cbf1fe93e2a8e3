"""Whether a text looks like what belongs to one person: an address, a number, an account.

Only what can be told with few false alarms: by its shape alone where that is unmistakable, else by check
digits (IBAN: ISO 13616, modulo 97; cards: ISO/IEC 7812, Luhn). Digits alone are too often something else.
"""

import re

PERSONAL = "__personal__"  # what a value that looks personal counts as
CARD = "card"
LOOKS = ("email", "phone", "iban", CARD, "ssn")

_EMAIL = re.compile(r"\w@(?:[\w-]+\.)+[^\W\d_]{2,}")
_SHAPE = re.compile(r"[+(]{0,2}\d[\d ()./-]{7,24}|[A-Z]{2}\d\d[A-Z0-9 ]{11,40}", re.ASCII)
_PHONE = re.compile(
    r"\+\(?\d[\d ()./-]{6,24}"  # +44 20 7946 0958
    r"|\(\d{2,5}\) ?\d[\d -]{4,12}"  # (212) 555-0123
    r"|\d{3}([-. ])\d{3}\1\d{4}"  # 212-555-0123
    r"|0[1-9]\d{1,3}[ /-]\d{3,4}[ -]?\d{3,5}",  # 020 7946 0958
    re.ASCII,
)
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}", re.ASCII)
_CARD = re.compile(r"4\d{15}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}", re.ASCII)


def looks(text: str) -> str | None:
    """What a text looks like, one of LOOKS; None if it is nobody's. An email address may be anywhere in it.

    >>> looks("jane@example.com"), looks("+44 20 7946 0958"), looks("DE89 3704 0044 0532 0130 00")
    ('email', 'phone', 'iban')
    >>> looks("4111 1111 1111 1111"), looks("30 to 39"), looks("2026-03-01"), looks("loan-1234567890")
    ('card', None, None, None)
    """
    if "@" in text and _EMAIL.search(text):
        return "email"
    text = text.strip()
    if len(text) < 9 or not _SHAPE.fullmatch(text):
        return None
    if text[0].isalpha():
        return "iban" if _is_iban(text.replace(" ", "")) else None
    return _number(text)


def _number(text: str) -> str | None:
    """What digits, with what may stand between them, look like."""
    if text.isdecimal():  # the most common of these by far
        return CARD if _is_card(text) else None
    if _SSN.fullmatch(text):
        return "ssn"
    digits = re.sub(r"\D", "", text)
    if _PHONE.fullmatch(text) and 8 <= len(digits) <= 15:
        return "phone"
    return CARD if _is_plain(text) and _is_card(digits) else None


def _is_plain(text: str) -> bool:
    """Whether nothing but spaces or dashes stand between the digits."""
    return not set(text) - set("0123456789 -")


def _is_iban(text: str) -> bool:
    return (
        15 <= len(text) <= 34 and int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1
    )


def _is_card(digits: str) -> bool:
    if not _CARD.fullmatch(digits):
        return False
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def shown(text: str, most: int = 60) -> str:
    """A text that came with an event as an error may quote it: not what looks personal, and not much.

    >>> shown("loans"), shown("of jane@example.com")
    ("'loans'", '__personal__')
    """
    return PERSONAL if looks(text) else repr(text if len(text) <= most else text[: most - 1] + "…")
