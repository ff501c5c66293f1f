"""Real cities, the distance between them, and how long a journey takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

CRUISE_KMH: Final = 850.0
RAIL_KMH: Final = 160.0
RAIL_LIMIT_KM: Final = 350.0
TAXIING_HOURS: Final = 0.5


@dataclass(frozen=True, slots=True)
class City:
    """A city as GeoIP databases name it, with its time zone."""

    name: str
    region: str
    country: str
    code: str
    latitude: float
    longitude: float
    zone: str


_TABLE: Final = """
Toronto|Ontario|Canada|CA|43.6532|-79.3832|America/Toronto
Ottawa|Ontario|Canada|CA|45.4215|-75.6972|America/Toronto
Waterloo|Ontario|Canada|CA|43.4643|-80.5204|America/Toronto
Montreal|Quebec|Canada|CA|45.5019|-73.5674|America/Toronto
Vancouver|British Columbia|Canada|CA|49.2827|-123.1207|America/Vancouver
Calgary|Alberta|Canada|CA|51.0447|-114.0719|America/Edmonton
New York|New York|United States|US|40.7128|-74.0060|America/New_York
Boston|Massachusetts|United States|US|42.3601|-71.0589|America/New_York
Austin|Texas|United States|US|30.2672|-97.7431|America/Chicago
Chicago|Illinois|United States|US|41.8781|-87.6298|America/Chicago
Denver|Colorado|United States|US|39.7392|-104.9903|America/Denver
Phoenix|Arizona|United States|US|33.4484|-112.0740|America/Phoenix
Seattle|Washington|United States|US|47.6062|-122.3321|America/Los_Angeles
San Francisco|California|United States|US|37.7749|-122.4194|America/Los_Angeles
Las Vegas|Nevada|United States|US|36.1699|-115.1398|America/Los_Angeles
Ashburn|Virginia|United States|US|39.0438|-77.4874|America/New_York
London|England|United Kingdom|GB|51.5074|-0.1278|Europe/London
Manchester|England|United Kingdom|GB|53.4808|-2.2426|Europe/London
Edinburgh|Scotland|United Kingdom|GB|55.9533|-3.1883|Europe/London
Dublin|Leinster|Ireland|IE|53.3498|-6.2603|Europe/Dublin
Berlin|Land Berlin|Germany|DE|52.5200|13.4050|Europe/Berlin
Munich|Bavaria|Germany|DE|48.1351|11.5820|Europe/Berlin
Hamburg|Free and Hanseatic City of Hamburg|Germany|DE|53.5511|9.9937|Europe/Berlin
Frankfurt am Main|Hesse|Germany|DE|50.1109|8.6821|Europe/Berlin
Amsterdam|North Holland|Netherlands|NL|52.3676|4.9041|Europe/Amsterdam
Rotterdam|South Holland|Netherlands|NL|51.9244|4.4777|Europe/Amsterdam
Paris|Île-de-France|France|FR|48.8566|2.3522|Europe/Paris
Rennes|Brittany|France|FR|48.1100|-1.6744|Europe/Paris
Lyon|Auvergne-Rhône-Alpes|France|FR|45.7640|4.8357|Europe/Paris
Madrid|Madrid|Spain|ES|40.4168|-3.7038|Europe/Madrid
Barcelona|Catalonia|Spain|ES|41.3874|2.1686|Europe/Madrid
Lisbon|Lisbon|Portugal|PT|38.7223|-9.1393|Europe/Lisbon
Milan|Lombardy|Italy|IT|45.4642|9.1900|Europe/Rome
Warsaw|Mazovia|Poland|PL|52.2297|21.0122|Europe/Warsaw
Krakow|Lesser Poland|Poland|PL|50.0647|19.9450|Europe/Warsaw
Stockholm|Stockholm|Sweden|SE|59.3293|18.0686|Europe/Stockholm
Bucharest|București|Romania|RO|44.4268|26.1025|Europe/Bucharest
Kyiv|Kyiv City|Ukraine|UA|50.4501|30.5234|Europe/Kyiv
Istanbul|Istanbul|Türkiye|TR|41.0082|28.9784|Europe/Istanbul
Tel Aviv|Tel Aviv|Israel|IL|32.0853|34.7818|Asia/Jerusalem
Lagos|Lagos|Nigeria|NG|6.5244|3.3792|Africa/Lagos
Cape Town|Western Cape|South Africa|ZA|-33.9249|18.4241|Africa/Johannesburg
Bengaluru|Karnataka|India|IN|12.9716|77.5946|Asia/Kolkata
Mumbai|Maharashtra|India|IN|19.0760|72.8777|Asia/Kolkata
Singapore|Singapore|Singapore|SG|1.3521|103.8198|Asia/Singapore
Ho Chi Minh City|Ho Chi Minh|Vietnam|VN|10.8231|106.6297|Asia/Ho_Chi_Minh
Tokyo|Tokyo|Japan|JP|35.6762|139.6503|Asia/Tokyo
Sydney|New South Wales|Australia|AU|-33.8688|151.2093|Australia/Sydney
Melbourne|Victoria|Australia|AU|-37.8136|144.9631|Australia/Melbourne
Auckland|Auckland|New Zealand|NZ|-36.8509|174.7645|Pacific/Auckland
Sao Paulo|São Paulo|Brazil|BR|-23.5505|-46.6333|America/Sao_Paulo
Buenos Aires|Buenos Aires F.D.|Argentina|AR|-34.6037|-58.3816|America/Argentina/Buenos_Aires
Mexico City|Mexico City|Mexico|MX|19.4326|-99.1332|America/Mexico_City
"""


def _city(row: str) -> City:
    name, region, country, code, latitude, longitude, zone = row.split("|")
    return City(name, region, country, code, float(latitude), float(longitude), zone)


CITIES: Final = {city.name: city for city in map(_city, _TABLE.strip().splitlines())}
"""Every city of the simulated world by its name."""


def distance_km(a: City, b: City) -> float:
    """The great-circle distance of two cities.

    >>> round(distance_km(CITIES["Toronto"], CITIES["London"]), -2)
    5700.0
    """
    north_a, north_b = math.radians(a.latitude), math.radians(b.latitude)
    east = math.radians(b.longitude - a.longitude) / 2
    chord = (
        math.sin((north_b - north_a) / 2) ** 2
        + math.cos(north_a) * math.cos(north_b) * math.sin(east) ** 2
    )
    return 2 * 6371.0 * math.asin(math.sqrt(chord))


def flies(a: City, b: City) -> bool:
    """Whether people fly between the two cities rather than take the train."""
    return distance_km(a, b) > RAIL_LIMIT_KM


def journey_hours(a: City, b: City) -> float:
    """Hours from departure to arrival, door of the vehicle to door of the vehicle."""
    if flies(a, b):
        return distance_km(a, b) / CRUISE_KMH + TAXIING_HOURS
    return distance_km(a, b) / RAIL_KMH + 0.2


def nearby(city: City) -> tuple[City, ...]:
    """The other cities of the same country, the nearest first; the city itself if there is none."""
    others = [other for other in CITIES.values() if other.code == city.code and other != city]
    return tuple(sorted(others, key=lambda other: distance_km(city, other))) or (city,)
