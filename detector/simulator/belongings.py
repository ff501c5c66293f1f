"""The devices of a person over time, and the apps on them."""

from __future__ import annotations

import random

from detector.simulator import rates
from detector.simulator.clients import App, Device, app, device
from detector.simulator.company import Company
from detector.simulator.happenings import FOREVER, Life
from detector.simulator.people import Person
from detector.simulator.streams import stream

Apps = dict[str, App]


class Belongings:
    """What a person signs in with: a list of app sets, each with the moment it begins."""

    __slots__ = ("_eras",)

    def __init__(self, company: Company, who: Person, life: Life) -> None:
        rng = stream(company.plan.seed, "belongings", who.uuid)
        frozen = rng.random() < rates.OLD_CLIENT_SHARE
        apps: Apps = _laptop(who, rng, frozen=frozen) | _phone(who, rng)
        if rng.random() < rates.SECOND_PHONE_SHARE:
            apps["tablet"] = app("phone", device("ios", who.first_name, rng), rng)
        if rng.random() < rates.HOME_COMPUTER_SHARE:
            apps["private"] = app("extension", device("windows", who.first_name, rng), rng)
        self._eras = [(-FOREVER, apps)]
        for at, kind in sorted(
            [(at, "laptop") for at in life.laptops]
            + [(at, "phone") for at in life.phones]
            + [(at, "browser") for at in _browser(company, rng)]
        ):
            apps = apps | _renewed(kind, who, apps, rng)
            self._eras.append((at, apps))

    def at(self, moment: float) -> Apps:
        """The apps in use at a moment, by the part they play."""
        return next(apps for since, apps in reversed(self._eras) if since <= moment)

    def changes(self) -> list[float]:
        """The moments at which something new came."""
        return [since for since, _ in self._eras[1:]]


def _laptop(who: Person, rng: random.Random, *, frozen: bool = False) -> Apps:
    kinds, weights = ("mac", "windows", "linux"), (6, 4, 0)
    if who.role in {"engineer", "it"}:
        weights = (6, 1, 2)
    laptop = device(rng.choices(kinds, weights)[0], who.first_name, rng)
    return _apps_on(laptop, who, rng, frozen=frozen)


def _apps_on(laptop: Device, who: Person, rng: random.Random, *, frozen: bool) -> Apps:
    apps = {
        "desktop": app(laptop.kind, laptop, rng, frozen=frozen),
        "extension": app("extension", laptop, rng, frozen=frozen),
        "web": app("web", laptop, rng),
    }
    if who.role in {"engineer", "it"}:
        apps["cli"] = app("cli", laptop, rng)
    return apps


def _phone(who: Person, rng: random.Random) -> Apps:
    kind = rng.choices(("ios", "android"), (6, 4))[0]
    return {"phone": app("phone", device(kind, who.first_name, rng), rng)}


def _browser(company: Company, rng: random.Random) -> tuple[float, ...]:
    plan = company.plan
    if rng.random() >= rates.BROWSER_ADDED_RATE * plan.days:
        return ()
    return (rng.uniform(plan.begin, plan.end),)


def _renewed(kind: str, who: Person, apps: Apps, rng: random.Random) -> Apps:
    if kind == "laptop":
        return _laptop(who, rng)
    if kind == "phone":
        return _phone(who, rng)
    old = apps["extension"]
    browser = rng.choice(
        [name for name in ("Firefox", "Edge") if name != old.fields["platform_name"]]
    )
    fields = {**old.fields, "platform_name": browser}
    return {"extension": App("extension", old.device, fields, old.lag_days, old.frozen)}
