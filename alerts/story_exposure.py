"""What events hold that they should not, told in words: never with a value."""

from alerts.alert import Alert, State
from alerts.story import Story
from monitor import words
from monitor.arrays.codes import OTHER
from monitor.arrays.personal import PERSONAL
from monitor.events.exposed import UNDECLARED, Exposure
from monitor.facts.lookout import SAMPLED

LOOKS = {
    "email": "email addresses",
    "phone": "phone numbers",
    "iban": "bank accounts (IBAN)",
    "card": "numbers of payment cards",
    "ssn": "US social security numbers",
}


def tell(alert: Alert, exposure: Exposure) -> Story:
    """The story of an undeclared field, or of values that look like those of a person."""
    field, over = subject(exposure), alert.state is State.RESOLVED
    seen = f"at least {exposure.times:,} time{'' if exposure.times == 1 else 's'}"
    what = _undeclared if exposure.kind == UNDECLARED else _personal
    headline, summary, meaning = what(exposure, field, over)
    return Story(
        headline=headline,
        summary=[summary],
        facts=[("Field", field), ("Of", _events(exposure)), ("Seen", seen)],
        meaning=meaning,
        advice=_advice(exposure),
        labels={"event": exposure.event, "field": words.clean(exposure.field), "kind": exposure.kind},
        numbers={"times": exposure.times},
    )


def subject(exposure: Exposure) -> str:
    """What the field is called.

    >>> subject(Exposure(event="decision", kind="undeclared", field="features.__other__", times=1, last=0))
    'other features'
    """
    first, _, name = exposure.field.rpartition(".")
    if name == OTHER:
        return f"other {first or 'fields'}"
    if name == PERSONAL:
        return f"{first or 'fields'} whose name looks personal"
    return f"“{words.clean(exposure.field)}”"


def _events(exposure: Exposure) -> str:
    return "decisions" if exposure.event == "decision" else "feedback"


def _undeclared(exposure: Exposure, field: str, over: bool) -> tuple[str, str, list[str]]:
    """Headline, summary and meaning of a field that the configuration does not know."""
    events = _events(exposure)
    return (
        f"{events} {'no longer hold' if over else 'hold'} {field}, which nobody declared",
        f"An app sends {field} with {events}. The configuration does not declare it, so that it is not kept.",
        ["Whatever is in it lies in Kafka's topic as it was sent, until the topic's retention ends."],
    )


def _personal(exposure: Exposure, field: str, over: bool) -> tuple[str, str, list[str]]:
    """Headline, summary and meaning of values that look personal."""
    events, look = _events(exposure), LOOKS.get(exposure.kind, "personal data")
    kept = (
        "Fairlead keeps a hash of it, or nothing."
        if exposure.field in SAMPLED
        else f"Fairlead keeps none of them: they count as {PERSONAL}."
    )
    return (
        f"values of {field} {'no longer look' if over else 'look'} like {look}",
        f"Some values of {field} of {events} look like {look}. {kept}",
        [
            "Fairlead goes by the look alone; what it saw is neither shown nor written down anywhere.",
            "The values lie in Kafka's topic as they were sent, until the topic's retention ends.",
        ],
    )


def _advice(exposure: Exposure) -> list[str]:
    allowed = words.clean(exposure.field)
    return [
        "Find out which app, and which version of it, sends this, and whether it may.",
        "If not, have it stopped, and think of what the topic holds already and who can read it.",
        f"If it is meant to be so, declare it, or add “{allowed}” to `unchecked` of the model.",
    ]
