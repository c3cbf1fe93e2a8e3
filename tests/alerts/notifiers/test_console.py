import json

from alerts import message as messages
from alerts.notifiers import console
from tests.alerts.sample import CONFIG, alert
from tests.readings import gap

FIRING = messages.render(alert(), CONFIG)


async def test_prints_the_text(capsys):
    await console.Notifier(console.Settings(), "notifiers.console").send(FIRING)
    assert capsys.readouterr().out == messages.text(FIRING) + "\n\n"


async def test_prints_one_object_a_line(capsys):
    message = messages.render(alert(evidence=gap(group="a\nb")), CONFIG)
    await console.Notifier(console.Settings(format="json"), "notifiers.console.log").send(message)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["labels"]["group"] == "a b"


async def test_names_cannot_steer_the_terminal(capsys):
    message = messages.render(alert(evidence=gap(group="\x1b[2Jgone")), CONFIG)
    await console.Notifier(console.Settings(), "notifiers.console").send(message)
    assert "\x1b" not in capsys.readouterr().out
