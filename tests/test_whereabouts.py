"""Whereabouts: databases and lists of networks, and rows filled from them as they come in."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import events, geo, kernel, whereabouts
from detector.settings import ConfigError, PathsConfig
from detector.simulator import Plan, atlas, mmdb
from detector.sources import records
from detector.whereabouts import Lists
from tests import stories
from tests.stories import play, sign_in
from tests.team import learned_engine

PARIS = {
    "country": {"iso_code": "FR"},
    "city": {"names": {"en": "Paris"}},
    "location": {"latitude": 48.85, "longitude": 2.35, "accuracy_radius": 20},
}
OWNER = {"autonomous_system_number": 64_500, "autonomous_system_organization": "Example Hosting"}
LIST = "# kind: {kind}\n# date: 2026-02-01\n# origin: https://example.com/ranges\n{ranges}\n"


@pytest.fixture
def paths(tmp_path: Path) -> PathsConfig:
    """A city and an ASN database and a list, of which each knows other ranges."""
    wide = [(ip_network("81.0.0.0/8"), PARIS), (ip_network("2001:db8::/32"), PARIS)]
    (tmp_path / "city.mmdb").write_bytes(mmdb.database(wide, "GeoLite2-City", 1_767_225_600))
    owned = [(ip_network("81.0.0.0/16"), OWNER), (ip_network("81.0.5.0/24"), OWNER | {"autonomous_system_number": 64_501})]  # fmt: skip
    (tmp_path / "asn.mmdb").write_bytes(mmdb.database(owned, "GeoLite2-ASN", 1_767_225_600))
    (tmp_path / "lists").mkdir()
    ranges = "81.4.0.0/16,DE,BE,Berlin\n2001:db8:5::/48 # a comment"
    (tmp_path / "lists" / "rented.csv").write_text(LIST.format(kind="hosting", ranges=ranges))
    return PathsConfig(
        geoip=tmp_path / "city.mmdb", asn=tmp_path / "asn.mmdb", network_lists=tmp_path / "lists"
    )


def row(paths: PathsConfig, ip: str | None, **location: object) -> dict[str, object]:
    """What a row says of its place once it was filled."""
    item = sign_in("ann", "paris", "10:00")
    item.fields["client"]["ip_address"] = ip
    item.fields["location"] = location or None
    known = whereabouts.open_all(paths)
    frame = known.fill(records.shape(item.feed, [item.raw], item.received).frame)
    known.close()
    return {name: value for name, value in frame.row(0, named=True).items() if value is not None}


def test_a_row_without_a_place_gets_one_from_the_database(paths: PathsConfig) -> None:
    filled = row(paths, "81.9.9.9")

    assert (filled["source.country"], filled["source.city"]) == ("FR", "Paris")
    assert (filled["source.latitude"], filled["source.radius_km"]) == (48.85, 20.0)


def test_the_place_that_1password_tells_wins(paths: PathsConfig) -> None:
    filled = row(paths, "81.9.9.9", country="NG", city="Lagos", latitude=6.5, longitude=3.4)

    assert (filled["source.country"], filled["source.city"]) == ("NG", "Lagos")


@pytest.mark.parametrize(
    ("ip", "number", "kind"),
    [
        ("81.0.9.9", 64_500, None),
        ("81.0.5.9", 64_501, None),
        ("::ffff:81.0.5.9", 64_501, None),
        ("81.4.0.1", None, "hosting"),
        ("2001:db8:5::1", None, "hosting"),
        ("203.0.113.9", None, None),
        ("no address", None, None),
        (None, None, None),
    ],
)
def test_owner_and_kind_of_an_address(
    paths: PathsConfig, ip: str | None, number: int | None, kind: str | None
) -> None:
    filled = row(paths, ip)

    assert (filled.get("source.as.number"), filled.get("source.kind")) == (number, kind)


def test_without_a_source_rows_stay_as_they_are() -> None:
    frame, _ = stories.page([sign_in("ann", "paris", "10:00")])

    assert whereabouts.open_all(PathsConfig()).fill(frame) is frame


def test_filled_rows_keep_their_order_and_columns(paths: PathsConfig) -> None:
    items = [sign_in("ann", "paris", f"10:{n:02}") for n in range(9)]
    frame, _ = stories.page(items)
    filled = whereabouts.open_all(paths).fill(frame)

    assert filled.columns == list(events.SCHEMA)
    assert filled.schema == frame.schema
    assert filled["event.id"].to_list() == [item.id for item in items]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("81.0.0.0/8\n", "the line '# kind: ...' is missing"),
        (LIST.format(kind="moon", ranges=""), "kind 'moon'"),
        (LIST.format(kind="vpn", ranges="81.0.0.0/99"), "x.txt:4: '81.0.0.0/99'"),
        (LIST.format(kind="vpn", ranges="").replace("2026-02-01", "soon"), "date 'soon'"),
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    with pytest.raises(ConfigError) as caught:
        whereabouts.open_all(PathsConfig(network_lists=tmp_path))

    assert words in str(caught.value)


@pytest.mark.parametrize("body", [None, b"", b"no database at all"])
def test_a_broken_database_is_named(tmp_path: Path, body: bytes | None) -> None:
    path = tmp_path / "x.mmdb"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(ConfigError, match=r"paths\.geoip"):
        whereabouts.open_all(PathsConfig(geoip=path))


def test_an_old_source_says_so(paths: PathsConfig) -> None:
    (origin, *_) = whereabouts.open_all(paths).origins

    assert "days old" in origin.words(date(2026, 6, 1))
    assert "days old" not in origin.words(date(2026, 1, 20))


ranges = st.lists(
    st.tuples(st.integers(0, 255), st.integers(8, 32), st.sampled_from(["vpn", "hosting"])),
    max_size=12,
)


@given(ranges, st.integers(0, 255), st.integers(0, 255))
def test_of_two_ranges_the_narrower_counts(
    drawn: list[tuple[int, int, str]], second: int, last: int
) -> None:
    listed = {
        ip_network(f"81.{part}.0.0/{length}", strict=False): kind for part, length, kind in drawn
    }
    place = ip_address(f"81.{second}.0.{last}")
    holding = [network for network in listed if place in network]
    narrowest = max(holding, key=lambda network: network.prefixlen, default=None)

    assert Lists.of(listed.items()).kind(str(place)) == (listed[narrowest] if narrowest else None)


@given(ranges, st.integers(0, 255))
def test_a_database_says_what_was_written(drawn: list[tuple[int, int, str]], second: int) -> None:
    listed = {
        ip_network(f"81.{part}.0.0/{length}", strict=False): kind for part, length, kind in drawn
    }
    body = mmdb.database([(net, {"kind": kind}) for net, kind in listed.items()], "Test", 1)
    place = ip_address(f"81.{second}.0.1")
    holding = [network for network in listed if place in network]
    narrowest = max(holding, key=lambda network: network.prefixlen, default=None)
    with maxminddb.Reader(_file(body), maxminddb.MODE_FD) as reader:
        found = reader.get(str(place))

    assert found == ({"kind": listed[narrowest]} if narrowest else None)


def _file(body: bytes) -> object:
    from io import BytesIO

    return BytesIO(body)


def test_the_simulator_writes_its_own_databases(tmp_path: Path) -> None:
    plan = Plan(people=5, days=1)
    atlas.write(plan.seed, plan.begin, tmp_path)
    known = whereabouts.open_all(
        PathsConfig(
            geoip=tmp_path / atlas.CITY_FILE, asn=tmp_path / atlas.ASN_FILE,
            network_lists=tmp_path / atlas.LISTS,
        )
    )  # fmt: skip
    known.close()

    assert {origin.what.partition(",")[0] for origin in known.origins} == {
        "places", "network owners", "hosting", "mobile", "satellite",
    }  # fmt: skip


def test_a_rented_server_raises_the_journey(paths: PathsConfig) -> None:
    """Ann's address in Tokyo, 81.4.x.x, is on the list of hosting networks."""
    trip = [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", "11:00")]
    frame, contents = stories.page(trip)
    plain = play(learned_engine(with_model=False), trip).of("op_impossible_travel")
    outcome = kernel.detect(
        learned_engine(with_model=False), whereabouts.open_all(paths).fill(frame), contents
    )
    (alert,) = [each for each in outcome.alerts if each.rule.name == "op_impossible_travel"]

    assert alert.level.rank == plain[0].level.rank + 1
    assert "hosting" in alert.evidence["weights"]
    assert "nobody said whose network it is" in plain[0].why[-1]


@pytest.mark.parametrize(
    ("location", "believed"),
    [
        ({"country": "CA", "latitude": 43.64, "longitude": -79.433}, True),
        ({"country": "Canada", "latitude": 43.64, "longitude": -79.433}, True),
        ({"country": "CA", "latitude": -79.433, "longitude": 43.64}, False),  # the docs' example
        ({"country": "AU", "latitude": 151.2, "longitude": -33.8}, False),
        ({"country": "FR", "latitude": 0.0, "longitude": 0.0}, False),
        ({"country": "FR"}, False),
    ],
)
def test_coordinates_that_cannot_be_believed_are_none(
    location: dict[str, object], believed: bool
) -> None:
    item = sign_in("ann", "paris", "10:00")
    item.fields["location"] = location
    frame = records.shape(item.feed, [item.raw], item.received).frame

    assert (frame["source.latitude"][0] is not None) == believed
    assert frame["source.country"][0] is not None


@given(st.sampled_from(sorted(stories.PLACES)))
def test_no_real_place_reads_as_swapped(name: str) -> None:
    country, _, north, east = stories.PLACES[name]

    assert not geo.swapped(country, north, east)
