"""MITRE ATT&CK's techniques and tactics, so that a tag that names none is noticed.

Enterprise ATT&CK 17.0 (April 2025), as pySigma 0.11.23 carries it in `sigma/data/mitre_attack.py`;
later versions of pySigma download it. Added are 14 sub-techniques of 16.0 and 17.0 that it leaves out,
which makes the 211 techniques and 468 sub-techniques that MITRE counts. A tag of a later ATT&CK is only worth a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

VERSION: Final = "17.0"
_TACTICS: Final = """
collection command-and-control credential-access defense-evasion discovery execution
exfiltration impact initial-access lateral-movement persistence privilege-escalation
reconnaissance resource-development stealth defense-impairment
"""
"""Of 17.0, and the two that `defense-evasion` became in 19 (2026)."""
TACTICS: Final = frozenset(_TACTICS.split())
_TABLE: Final = """
1001:1-3 1003:1-8 1005 1006 1007 1008 1010 1011:1 1012 1014 1016:1-2 1018 1020:1 1021:1-8 1025
1027:1-17 1029 1030 1033 1036:1-11 1037:1-5 1039 1040 1041 1046 1047 1048:1-3 1049 1052:1
1053:2-3,5-7 1055:1-5,8-9,11-15 1056:1-4 1057 1059:1-12 1068 1069:1-3 1070:1-10 1071:1-4 1072
1074:1-2 1078:1-4 1080 1082 1083 1087:1-4 1090:1-4 1091 1092 1095 1098:1-7 1102:1-3 1104 1105
1106 1110:1-4 1111 1112 1113 1114:1-3 1115 1119 1120 1123 1124 1125 1127:1-3 1129 1132:1-2 1133
1134:1-5 1135 1136:1-3 1137:1-6 1140 1176:1-2 1185 1187 1189 1190 1195:1-3 1197 1199 1200 1201
1202 1203 1204:1-4 1205:1-2 1207 1210 1211 1212 1213:1-5 1216:1-2 1217 1218:1-5,7-15 1219:1-3
1220 1221 1222:1-2 1480:1-2 1482 1484:1-2 1485:1 1486 1489 1490 1491:1-2 1495 1496:1-4 1497:1-3
1498:1-2 1499:1-4 1505:1-6 1518:1 1525 1526 1528 1529 1530 1531 1534 1535 1537 1538 1539
1542:1-5 1543:1-5 1546:1-18 1547:1-10,12-15 1548:1-6 1550:1-4 1552:1-8 1553:1-6 1554 1555:1-6
1556:1-9 1557:1-4 1558:1-5 1559:1-3 1560:1-3 1561:1-2 1562:1-4,6-12 1563:1-2 1564:1-14 1565:1-3
1566:1-4 1567:1-4 1568:1-3 1569:1-3 1570 1571 1572 1573:1-2 1574:1,4-14 1578:1-5 1580 1583:1-8
1584:1-8 1585:1-3 1586:1-3 1587:1-4 1588:1-7 1589:1-3 1590:1-6 1591:1-4 1592:1-4 1593:1-3 1594
1595:1-3 1596:1-5 1597:1-2 1598:1-4 1599:1 1600:1-2 1601:1-2 1602:1-2 1606:1-2 1608:1-6 1609
1610 1611 1612 1613 1614:1 1615 1619 1620 1621 1622 1647 1648 1649 1650 1651 1652 1653 1654 1656
1657 1659 1665 1666 1667 1668 1669 1671 1672 1673 1674 1675
"""
"""Techniques without their T, and behind a colon the numbers of their sub-techniques."""

_TECHNIQUE: Final = re.compile(r"t\d{4}(\.\d{3})?")
_OTHER: Final = re.compile(r"(ta|g|s|c|m|ds)\d{4}")
"""Numbers of tactics, groups, software, campaigns, mitigations and data sources; not looked up."""


def _techniques(table: str) -> Iterator[str]:
    for word in table.split():
        number, _, parts = word.partition(":")
        yield f"t{number}"
        for part in filter(None, parts.split(",")):
            first, _, last = part.partition("-")
            yield from (f"t{number}.{sub:03}" for sub in range(int(first), int(last or first) + 1))


TECHNIQUES: Final = frozenset(_techniques(_TABLE))
_NEWEST: Final = max(TECHNIQUES)
"""Later versions go on counting from here; what they number is not looked up."""


def tactic(tags: Iterable[str]) -> str | None:
    """The first tactic that tags name, as ATT&CK writes it; null if they name none.

    >>> tactic(["attack.t1078", "attack.initial_access", "attack.persistence"])
    'initial-access'
    """
    names = (tag.removeprefix("attack.").replace("_", "-") for tag in tags)
    return next((name for name in names if name in TACTICS), None)


def technique(tag: str) -> str | None:
    """The technique that a tag names, in capitals; null if it names none.

    >>> technique("attack.t1555.005")
    'T1555.005'
    """
    name = tag.removeprefix("attack.")
    return name.upper() if name != tag and _TECHNIQUE.fullmatch(name) else None


def is_unknown(tag: str) -> bool:
    """Whether a tag says that it is of ATT&CK, and is not.

    >>> [is_unknown(f"attack.{name}") for name in ("t1555.999", "t1685.001", "credential-access")]
    [True, False, False]
    """
    name = tag.removeprefix("attack.")
    if name == tag or _OTHER.fullmatch(name):
        return False
    if _TECHNIQUE.fullmatch(name) and name > _NEWEST:
        return False
    return name not in TECHNIQUES and name.replace("_", "-") not in TACTICS


def near(tag: str) -> list[str]:
    """The tags that may be meant: of a sub-technique its technique, of a word the tactics.

    A number that is near to another one means something else.
    """
    name = tag.removeprefix("attack.")
    parent = name.partition(".")[0]
    if name != parent and parent in TECHNIQUES:
        return [f"attack.{parent}"]
    return [] if name[1:2].isdigit() else [f"attack.{each}" for each in sorted(TACTICS)]
