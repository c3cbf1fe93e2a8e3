"""fairlead.toml: what is read, and what is refused with which words."""

from pathlib import Path

import pytest

from monitor import baseline
from monitor.baseline import Part
from monitor.config import Columns, ConfigError, Model, Rule
from streams import settings

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "config"
GOOD = sorted(CONFIG.glob("good/*.toml"))
BAD = sorted(CONFIG.glob("bad/*.toml"))
ENVIRONMENT = {"FAIRLEAD_HASH_KEY": "k" * 16, "SLACK_URL": "https://hooks.slack.com/services/x"}
CREDIT = '[models.credit]\npositive = ["approved"]\n'


def load(folder: Path, text: str, environment: dict[str, str] | None = None) -> settings.Config:
    path = folder / "fairlead.toml"
    path.write_text(text)
    return settings.load(path, environment or {})


def refusal(folder: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environment)
    return str(caught.value)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_are_read(path: Path) -> None:
    assert settings.load(path, ENVIRONMENT).models


@pytest.mark.parametrize("path", [ROOT / "fairlead.toml", ROOT / "streams/data/compas.toml"], ids=str)
def test_the_files_that_we_ship_are_read(path: Path) -> None:
    assert settings.load(path, {}).models


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_files_are_refused_in_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)  # errors show paths as they were given
    with pytest.raises(ConfigError) as caught:
        settings.load(Path(path.name), {})
    assert f"{caught.value}\n" == path.with_suffix(".txt").read_text()


def test_there_are_enough_bad_files() -> None:
    assert len(BAD) >= 25


def test_every_setting_reaches_its_place() -> None:
    config = settings.load(CONFIG / "good" / "everything.toml", ENVIRONMENT)
    model = config.models["credit"]
    assert config.broker.url == "kafka://one:9093,two:9093"
    assert config.alerts.routes[0].match.severity == "critical"
    assert model.attributes == ["sex", "age_band", ["sex", "age_band"]]
    assert model.rules[-2].for_ == "2h"
    assert model.rules[-2].reference == "highest"
    assert model.columns is not None
    assert model.columns.attributes == {"sex": "customer.sex", "age_band": "age_band"}
    assert model.columns.flags == {"explained": "letter_sent"}


def test_secrets_are_looked_up_and_never_shown() -> None:
    config = settings.load(CONFIG / "good" / "everything.toml", ENVIRONMENT)
    assert config.broker.sasl_password is not None
    assert config.broker.sasl_password.value == "hunter2"
    assert config.notifiers["slack"]["risk"]["url"].value == ENVIRONMENT["SLACK_URL"]
    assert "hunter2" not in repr(config)
    assert "hooks.slack.com" not in repr(config)


def test_a_secret_within_an_array_is_looked_up(tmp_path: Path) -> None:
    text = CREDIT + '[notifiers.apprise.all]\nurls = [{ env = "A" }, { env = "B" }]\n'
    assert refusal(tmp_path, text, {"A": "x"}) == (
        "notifiers.apprise.all.urls[1].env: 'B' is not allowed;"
        " allowed: the name of an environment variable that is set"
    )


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    text = CREDIT + '[broker]\nsasl_password = { file = "nothing.txt" }\n'
    message = refusal(tmp_path, text)
    assert message.startswith("broker.sasl_password.file: ")
    assert message.endswith("allowed: a file that can be read (No such file or directory)")


def test_certificates_are_looked_for_beside_the_file(tmp_path: Path) -> None:
    said = 'security_protocol = "SSL"\nssl_cafile = "ca.pem"\nssl_certfile = "/etc/us.pem"\n'
    broker = load(tmp_path, f"{CREDIT}[broker]\n{said}").broker
    assert (broker.ssl_cafile, broker.ssl_certfile) == (str(tmp_path / "ca.pem"), "/etc/us.pem")
    assert broker.ssl_keyfile is None


def test_only_secrets_are_looked_up(tmp_path: Path) -> None:
    text = CREDIT + 'attributes = ["env"]\n[models.credit.columns]\nattributes = { env = "environment" }\n'
    columns = load(tmp_path, text).models["credit"].columns
    assert columns is not None
    assert columns.attributes == {"env": "environment"}


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        settings.load(Path("nowhere.toml"), {})
    assert str(caught.value) == (
        "-c: 'nowhere.toml' is not allowed; allowed: a file that can be read (No such file or directory)"
    )


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"a file that can be read \(not UTF-8\)"):
        settings.load(path, {})


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a = 1\na = 2\n", "line 2: 'a = 2'", "Cannot overwrite a value"),
        ("a = 1\nb 2\n", "line 2: 'b 2'", "Expected '=' after a key in a key/value pair"),
        ("a = [1,\n2", "line 2: '2'", "Unclosed array"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path, text: str, line: str, reason: str) -> None:
    assert refusal(tmp_path, text) == f"fairlead.toml, {line} is not allowed; allowed: TOML ({reason})"


def test_a_preset_brings_five_rules_and_own_rules_come_on_top() -> None:
    models = settings.load(CONFIG / "good" / "several_models.toml", {}).models
    assert len(models["credit"].rules) == 5
    bot = models["chat bot"].rules
    assert len(bot) == 5
    assert [(rule.max, rule.severity) for rule in bot if rule.metric == "selection_rate"] == [
        (0.05, "critical")
    ]


def test_errors_count_the_rules_that_are_written(tmp_path: Path) -> None:
    text = CREDIT + 'preset = "credit"\n[[models.credit.rules]]\nmetric = "psi"\n'
    assert refusal(tmp_path, text).startswith("models.credit.rules[0].max: None")


def test_a_rule_with_the_name_of_a_presets_rule_is_refused(tmp_path: Path) -> None:
    name = "override_rate difference, all"
    rule = f'[[models.credit.rules]]\nmetric = "accuracy"\nmin = -0.1\nname = "{name}"\n'
    assert repr(name) in refusal(tmp_path, CREDIT + 'preset = "credit"\n' + rule)


def test_columns_are_those_of_the_same_name_unless_mapped() -> None:
    model = Model(
        positive=["yes"],
        attributes=["sex", ["sex", "age"]],
        features=["income"],
        slices=["region"],
        columns=Columns(attributes={"age": "age_band"}),
    )
    columns = settings.columns(model)
    assert columns.attributes == {"sex": "sex", "age": "age_band"}
    assert columns.features == {"income": "income"}
    assert columns.slices == {"region": "region"}


def test_a_baseline_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    made = baseline.of("credit", [Part(start=0, decisions=7)])
    (tmp_path / "base.json").write_bytes(baseline.to_json(made))
    model = load(tmp_path, CREDIT + 'baseline = "base.json"\n').models["credit"]
    found = settings.read_baseline("credit", model)
    assert found is not None
    assert found.decisions == 7


def test_a_baseline_of_the_first_decisions_is_no_file() -> None:
    assert settings.read_baseline("credit", Model(positive=["yes"])) is None


@pytest.mark.parametrize("url", ["kafka://a:1", "kafka://a:1,b:2", "kafka://a:1;kafka://b:2"])
def test_addresses_of_brokers(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, CREDIT + f'[broker]\nurl = "{url}"\n').broker.url == url


@pytest.mark.parametrize("url", ["kafka://a", "http://a:1", "kafka://a:b", "kafka://a:1,", "kafka://u:p@a:1"])
def test_what_is_no_address_of_a_broker(tmp_path: Path, url: str) -> None:
    message = refusal(tmp_path, CREDIT + f'[broker]\nurl = "{url}"\n')
    assert (
        message
        == f"broker.url: {url!r} is not allowed; allowed: kafka://host:port, more of them behind commas"
    )


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ({"metric": "ks", "max": 0.1, "stream": "error"}, "stream"),
        ({"metric": "adwin", "stream": "score"}, "stream"),
        ({"metric": "accuracy", "max": 0.1, "stream": "score"}, "stream"),
        ({"metric": "accuracy", "max": 0.1, "minimum_sample": 0}, "minimum_sample"),
        ({"metric": "accuracy", "max": 0.1, "for": "soon"}, "for"),
    ],
)
def test_rules_that_ask_for_what_is_not_there(rule: dict[str, object], key: str) -> None:
    raw = {"models": {"credit": {"positive": ["yes"], "rules": [rule]}}}
    with pytest.raises(ConfigError) as caught:
        settings.build(raw, Path())
    assert caught.value.key == f"models.credit.rules[0].{key}"
    assert caught.value.value == rule[key]


def test_more_names_than_a_partition_can_tell_apart_are_refused() -> None:
    models = {f"m{n}": {"positive": ["yes"], "attributes": ["sex"], "slices": ["region"]} for n in range(400)}
    with pytest.raises(ConfigError, match="models: '20107 names' is not allowed; allowed: at most 16384 of"):
        settings.build({"models": models}, Path())
    settings.build({"models": dict([*models.items()][:300])}, Path())


def test_detectors_need_no_limit() -> None:
    raw = {"models": {"credit": {"positive": ["yes"], "rules": [{"metric": "adwin", "stream": "error"}]}}}
    assert settings.build(raw, Path()).models["credit"].rules == [Rule(metric="adwin", stream="error")]


def test_a_short_hash_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    assert refusal(tmp_path, 'hash_key = { env = "KEY" }\n' + CREDIT, {"KEY": "hunter2"}) == (
        "hash_key: '…' is not allowed; allowed: a secret of 16 characters or more"
    )
