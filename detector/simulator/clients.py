"""The 1Password apps on people's devices, exactly as the feeds describe them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

from detector.simulator.streams import lower_id

RELEASE_DAYS: Final = 14
CHROME_DAYS: Final = 28
_APPS: Final = {
    "mac": "1Password for Mac",
    "windows": "1Password for Windows",
    "linux": "1Password for Linux",
    "ios": "1Password for iOS",
    "android": "1Password for Android",
    "extension": "1Password Browser Extension",
    "web": "1Password for Web",
    "cli": "1Password CLI",
    "scim": "1Password SCIM Bridge",
    "connect": "1Password Connect",
    "sdk": "1Password SDK",
}
_SYSTEMS: Final = {
    "mac": ("MacOSX", ("14.7.4", "15.3.1", "15.3.2")),
    "windows": ("Windows", ("10.0.19045", "10.0.22631", "10.0.26100")),
    "linux": ("Linux", ("6.8.0-55-generic", "6.11.0-19-generic", "6.13.5-arch1-1")),
    "ios": ("iOS", ("17.7.2", "18.3.1", "18.3.2")),
    "android": ("Android", ("13", "14", "15")),
}
_MODELS: Final = {
    "mac": ("MacBookPro18,3", "MacBookPro17,1", "Mac14,2", "Mac15,6", "Mac16,1"),
    "windows": ("Dell Inc. XPS 13 9340", "LENOVO 21HM", "HP EliteBook 840 G10", "Surface Pro 9"),
    "linux": ("x86_64", "LENOVO 21CB", "Framework Laptop 13"),
    "ios": ("iPhone14,5", "iPhone15,2", "iPhone16,1", "iPhone17,3", "iPad13,8"),
    "android": ("Pixel 7", "Pixel 8a", "SM-S911B", "SM-A546B"),
}
_BROWSERS: Final = ("Chrome", "Chrome", "Chrome", "Chrome", "Edge", "Firefox", "Safari")


@dataclass(slots=True, eq=False)
class App:
    """One app on one device: what it calls itself, and how fast it is updated."""

    kind: str
    device: str
    fields: dict[str, Any]
    lag_days: int
    frozen: bool = False
    _known: dict[tuple[int, int, str], dict[str, Any]] = field(default_factory=dict, repr=False)

    def release(self, day: int) -> int:
        """The number of updates that this app has taken by the day."""
        return 0 if self.frozen else max(0, day + RELEASE_DAYS - self.lag_days) // RELEASE_DAYS

    def wire(self, day: int, ip: str) -> dict[str, Any]:
        """The `client` object of an event from this app; shared, so never to be changed."""
        browser = 0 if self.frozen else max(0, day + CHROME_DAYS - self.lag_days) // CHROME_DAYS
        key = (self.release(day), browser, ip)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._described(*key)
        return found

    def _described(self, release: int, browser: int, ip: str) -> dict[str, Any]:
        fields = {**self.fields, "ip_address": ip}
        fields["app_version"] = version(self.kind, release, old=self.frozen)
        if fields["platform_name"] in {"Chrome", "Edge"}:
            fields["platform_version"] = f"{133 + browser}.0.0.0"
        elif fields["platform_name"] == "Firefox":
            fields["platform_version"] = f"{135 + browser}.0"
        return fields


def version(kind: str, release: int, *, old: bool = False) -> str:
    """The app_version that a kind of app reports after so many releases."""
    if old:
        return "20127" if kind in {"extension", "web"} else "70902005"
    if kind in {"extension", "web"}:
        return f"81060{release:02d}5"
    if kind == "cli":
        return f"230{release:02d}01"
    if kind in {"scim", "connect", "sdk"}:
        return f"209{release:02d}00"
    return f"8106{release % 10}0{24 + release % 7}"


def app(kind: str, device: Device, rng: random.Random, *, frozen: bool = False) -> App:
    """Put an app of a kind on a device."""
    system, _ = _SYSTEMS[device.kind]
    fields: dict[str, Any] = {
        "app_name": _APPS[kind if kind in _APPS else device.kind],
        "app_version": "",
        "platform_name": device.host,
        "platform_version": device.model,
        "os_name": system,
        "os_version": device.os_version,
        "ip_address": "",
    }
    if kind in {"extension", "web"}:
        browser = rng.choice(_BROWSERS if device.kind == "mac" else _BROWSERS[:6])
        frozen_os = {"mac": "10.15.7", "windows": "10.0"}.get(device.kind, device.os_version)
        fields |= {"platform_name": browser, "platform_version": "18.3", "os_version": frozen_os}
    return App(kind, device.uuid, fields, rng.randrange(RELEASE_DAYS), frozen)


@dataclass(frozen=True, slots=True)
class Device:
    """A computer or phone; `host` is the name that its owner or the IT team gave it."""

    uuid: str
    kind: str
    host: str
    model: str
    os_version: str


def device(kind: str, owner: str, rng: random.Random) -> Device:
    """A new device of a kind for a person of that first name."""
    serial = lower_id(rng)[:8].upper()
    host = {
        "mac": rng.choice((f"{owner}'s MacBook Pro", f"CORP-C02{serial}", f"{owner}s-MBP")),
        "windows": rng.choice((f"DESKTOP-{serial[:7]}", f"LAPTOP-{serial}")),
        "linux": f"{owner.lower()}-{rng.choice(('thinkpad', 'dev', 'workstation'))}",
        "ios": f"{owner}'s iPhone",
        "android": rng.choice(("Pixel", "Galaxy")),
    }[kind]
    model = rng.choice(_MODELS[kind])
    if model.startswith("iPad"):
        host = f"{owner}'s iPad"
    return Device(lower_id(rng), kind, host, model, rng.choice(_SYSTEMS[kind][1]))


def machine(kind: str, host: str, rng: random.Random) -> App:
    """The app of an automation: SCIM bridge, Connect server, SDK or CLI on a server."""
    fields: dict[str, Any] = {
        "app_name": _APPS[kind],
        "app_version": "",
        "platform_name": host,
        "platform_version": "x86_64",
        "os_name": "Linux",
        "os_version": "6.8.0-1021-aws",
        "ip_address": "",
    }
    return App(kind, lower_id(rng), fields, rng.randrange(RELEASE_DAYS))
