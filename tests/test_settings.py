"""The configuration: what is read from where, and one line for every mistake."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from detector.settings import ConfigError, Secret, Settings, load

SOURCE = '[[sources]]\nname = "acme"\ntoken = { env = "OP" }\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vaultwatch.toml"


def loaded(file: Path, text: str, **environ: str) -> Settings:
    """What a text and an environment come to."""
    file.write_text(text)
    return load(file, environ)


def mistakes(file: Path, text: str, **environ: str) -> list[str]:
    """The lines of the error, the file's folder left out."""
    with pytest.raises(ConfigError) as error:
        loaded(file, text, **environ)
    return str(error.value).replace(f"{file.parent}/", "").splitlines()


def test_nothing_has_to_be_configured_to_try_it_out() -> None:
    assert load(None, {}) == Settings()


def test_the_example_of_init_is_sound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from detector.cli.init import EXAMPLE

    monkeypatch.chdir(file.parent)
    everything = "\n".join(line.removeprefix("# ") for line in EXAMPLE.splitlines()[1:])

    assert loaded(file, EXAMPLE).sources[0].poll_every == timedelta(seconds=60)
    assert loaded(file, everything).routes[0].send == ("slack", "email")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sorces = 1", "sorces: unknown key; did you mean 'sources'?"),
        ('[data]\ndirectry = "x"', "data.directry: unknown key; did you mean 'directory'?"),
        (SOURCE + 'pol_every = "5s"', "sources.0.pol_every: unknown key; did you mean 'poll_every'?"),
        ('[slack]\nchanel = "#a"', "slack.chanel: unknown key; did you mean 'channel'?"),
        ('[[routes]]\nsend = ["console"]\nmatch = { levels = [] }', "routes.0.match.levels: unknown key; did you mean 'level'?"),
        ('[[sources]]\nname = "a"\ntoken = { evn = "X" }', "sources.0.token.evn: unknown key; did you mean 'env'?"),
        ("zzzz = 1", "zzzz: unknown key; known keys: data, delivery, digest, email, flood, inhibitions, other, paths, quiet_hours, reference, routes, silences, slack, sources, timezone, webhook"),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest_valid_one(file: Path, text: str, line: str) -> None:
    assert f"vaultwatch.toml: {line}" in mistakes(file, text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[[sources]]\nname = "a"', "sources.0.token: is missing"),
        ("[slack]\n", "slack: name either a channel, with a token, or a webhook"),
        (SOURCE + 'poll_every = "soon"', "sources.0.poll_every: 'soon' is not a span; write it like '60s', '5m', '24h' or '35d'"),
        (SOURCE + 'poll_every = "0s"', "sources.0.poll_every: must be longer than nothing"),
        (SOURCE + 'backfill = "99999999999999d"', "sources.0.backfill: '99999999999999d' is too long"),
        ('timezone = "Mars/Olympus"', "timezone: 'Mars/Olympus' is no IANA time zone; write it like 'Europe/Paris'"),
        (SOURCE + SOURCE, "the whole file: sources: two sources have the same name"),
        ('[[routes]]\nsend = ["pager"]', "the whole file: routes: no destination 'pager'; there are console"),
        ('[[routes]]\nsend = ["console"]\nmatch = { level = ["bad"] }', "routes.0.match.level.0: input should be 'informational', 'low', 'medium', 'high' or 'critical'"),
        ("x = = 1", "not TOML: Invalid value (at line 1, column 5)"),
        ("\na = 1\na = 2\n", "not TOML: Cannot overwrite a value (at line 3, column 6)"),
    ],
)  # fmt: skip
def test_every_mistake_is_one_line_with_file_and_field(file: Path, text: str, line: str) -> None:
    assert mistakes(file, text) == [f"vaultwatch.toml: {line}"]


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    assert len(mistakes(file, 'sorces = 1\n[data]\nwindow = "x"\n[email]\nto = ["a"]')) == 3


@pytest.mark.parametrize("place", ["OP", "slack", "password"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(file: Path, place: str) -> None:
    secret = "eyJhbGciOiJFUzI1NiJ9.very.secret"
    text = {
        "OP": f'[[sources]]\nname = "a"\ntoken = "{secret}"',
        "slack": f'[slack]\nchannel = "#a"\ntoken = "{secret}"',
        "password": f'[email]\nhost = "h"\nto = ["a"]\npassword = "{secret}"',
    }[place]

    (line,) = mistakes(file, text)

    assert "secrets do not stand in the file" in line
    assert "very" not in line


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        load(Path("nowhere.toml"), {})


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")

    assert Secret(env="OP").read({"OP": " from-env "}).get_secret_value() == "from-env"
    assert Secret(file=str(tmp_path / "token")).read({}).get_secret_value() == "from-file"
    for secret, words in (
        (Secret(env="OP"), "environment variable OP: is empty or not set"),
        (Secret(file=str(tmp_path / "no")), "cannot be read"),
        (Secret(file=str(tmp_path)), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=words):
            secret.read({})


def test_two_places_for_one_secret_are_refused(file: Path) -> None:
    (line,) = mistakes(file, '[[sources]]\nname = "a"\ntoken = { env = "A", file = "b" }')

    assert "name exactly one place" in line


def test_relative_paths_are_meant_from_the_folder_of_the_configuration(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.parent / "elsewhere").mkdir()
    monkeypatch.chdir(file.parent / "elsewhere")
    text = SOURCE.replace('env = "OP"', 'file = "op"') + '[paths]\nrules = "rules"\nasn = "/asn"'

    config = loaded(file, text, VAULTWATCH_PATHS__PEOPLE="people.yml")

    assert config.paths.rules == file.parent / "rules"
    assert config.paths.people == file.parent / "people.yml"
    assert config.paths.asn == Path("/asn")
    assert config.sources[0].token.file == file.parent / "op"
    assert config.data.directory == file.parent / "vaultwatch-data"
    monkeypatch.chdir(file.parent)
    assert load(None, {}).paths.rules == Path("rules")


@pytest.mark.parametrize("text", ["", '[data]\ndirectory = "vaultwatch-data"'])
def test_data_that_lie_where_the_command_is_run_are_not_left_behind_in_silence(
    file: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (file.parent / "elsewhere" / "vaultwatch-data").mkdir(parents=True)
    monkeypatch.chdir(file.parent / "elsewhere")

    (line,) = mistakes(file, text)

    assert line.startswith("vaultwatch.toml: data.directory: 'vaultwatch-data' is meant from the")
    assert line.endswith("move it, or write 'elsewhere/vaultwatch-data'")


def test_the_environment_overrides_the_file(file: Path) -> None:
    found = loaded(
        file,
        SOURCE + '[data]\ndirectory = "one"\n[email]\nhost = "h"\nto = ["a@x"]',
        VAULTWATCH_DATA__DIRECTORY="two",
        VAULTWATCH_SOURCES__0__POLL_EVERY="9s",
        VAULTWATCH_EMAIL__TO='["b@x", "c@x"]',
        VAULTWATCH_SLACK__CHANNEL="#new",
        VAULTWATCH_DEBUG="1",
        VAULTWATCH_CRASH_AT="x",
        PATH="unchanged",
    )

    assert found.data.directory == file.parent / "two"
    assert found.sources[0].poll_every == timedelta(seconds=9)
    assert found.email["email"].to == ("b@x", "c@x")
    assert found.slack["slack"].channel == "#new"


def test_a_mistake_in_the_environment_names_the_variable(file: Path) -> None:
    assert mistakes(file, "", VAULTWATCH_DATA__WINDOW="x")[0].startswith(
        "VAULTWATCH_DATA__WINDOW: 'x' is not a span"
    )
    assert mistakes(file, "", VAULTWATCH_TIMEZNE="UTC") == [
        "VAULTWATCH_TIMEZNE: unknown key; did you mean 'timezone'?"
    ]
    assert mistakes(file, SOURCE, VAULTWATCH_SOURCES__7__NAME="x") == [
        "VAULTWATCH_SOURCES__7__NAME: there is no such place in the configuration"
    ]


def test_further_destinations_inherit_what_their_table_shares(file: Path) -> None:
    shared = '[slack]\ntoken = { env = "S" }\n[slack.leads]\nchannel = "#leads"\n'

    only_named = loaded(file, shared)
    assert {name: each.channel for name, each in only_named.slack.items()} == {"leads": "#leads"}
    both = loaded(file, shared.replace("[slack]\n", '[slack]\nchannel = "#all"\n'))
    assert {name: each.channel for name, each in both.slack.items()} == {
        "slack": "#all",
        "leads": "#leads",
    }
    assert all(each.token == Secret(env="S") for each in both.slack.values())


def test_one_name_is_one_destination(file: Path) -> None:
    text = '[slack.soc]\nchannel = "#a"\n[email.soc]\nhost = "h"\nto = ["a"]'

    (line,) = mistakes(file, text)

    assert "name it otherwise" in line
