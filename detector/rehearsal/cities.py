"""Cities that a story may name: where they are, and what their clocks say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class City:
    """A city as a GeoIP database tells it. Audit events name the country, sign-ins its code."""

    name: str
    region: str
    country: str
    code: str
    latitude: float
    longitude: float
    zone: str


_TABLE: Final = """
Abidjan|Abidjan|Ivory Coast|CI|5.3600|-4.0083|Africa/Abidjan
Accra|Greater Accra|Ghana|GH|5.6037|-0.1870|Africa/Accra
Amsterdam|North Holland|Netherlands|NL|52.3676|4.9041|Europe/Amsterdam
Athens|Attica|Greece|GR|37.9838|23.7275|Europe/Athens
Auckland|Auckland|New Zealand|NZ|-36.8509|174.7645|Pacific/Auckland
Bangkok|Bangkok|Thailand|TH|13.7563|100.5018|Asia/Bangkok
Barcelona|Catalonia|Spain|ES|41.3874|2.1686|Europe/Madrid
Beijing|Beijing|China|CN|39.9042|116.4074|Asia/Shanghai
Bengaluru|Karnataka|India|IN|12.9716|77.5946|Asia/Kolkata
Berlin|Land Berlin|Germany|DE|52.5200|13.4050|Europe/Berlin
Bogota|Bogota D.C.|Colombia|CO|4.7110|-74.0721|America/Bogota
Boston|Massachusetts|United States|US|42.3601|-71.0589|America/New_York
Brussels|Brussels Capital|Belgium|BE|50.8503|4.3517|Europe/Brussels
Bucharest|Bucharest|Romania|RO|44.4268|26.1025|Europe/Bucharest
Buenos Aires|Buenos Aires F.D.|Argentina|AR|-34.6037|-58.3816|America/Argentina/Buenos_Aires
Cairo|Cairo|Egypt|EG|30.0444|31.2357|Africa/Cairo
Cape Town|Western Cape|South Africa|ZA|-33.9249|18.4241|Africa/Johannesburg
Chicago|Illinois|United States|US|41.8781|-87.6298|America/Chicago
Copenhagen|Capital Region|Denmark|DK|55.6761|12.5683|Europe/Copenhagen
Denver|Colorado|United States|US|39.7392|-104.9903|America/Denver
Dubai|Dubai|United Arab Emirates|AE|25.2048|55.2708|Asia/Dubai
Dublin|Leinster|Ireland|IE|53.3498|-6.2603|Europe/Dublin
Frankfurt|Hesse|Germany|DE|50.1109|8.6821|Europe/Berlin
Geneva|Geneva|Switzerland|CH|46.2044|6.1432|Europe/Zurich
Hamburg|Hamburg|Germany|DE|53.5511|9.9937|Europe/Berlin
Hanoi|Hanoi|Vietnam|VN|21.0278|105.8342|Asia/Ho_Chi_Minh
Helsinki|Uusimaa|Finland|FI|60.1699|24.9384|Europe/Helsinki
Hong Kong|Central and Western|Hong Kong|HK|22.3193|114.1694|Asia/Hong_Kong
Istanbul|Istanbul|Turkey|TR|41.0082|28.9784|Europe/Istanbul
Jakarta|Jakarta|Indonesia|ID|-6.2088|106.8456|Asia/Jakarta
Johannesburg|Gauteng|South Africa|ZA|-26.2041|28.0473|Africa/Johannesburg
Karachi|Sindh|Pakistan|PK|24.8607|67.0011|Asia/Karachi
Kyiv|Kyiv City|Ukraine|UA|50.4501|30.5234|Europe/Kyiv
Lagos|Lagos|Nigeria|NG|6.5244|3.3792|Africa/Lagos
Lima|Lima|Peru|PE|-12.0464|-77.0428|America/Lima
Lisbon|Lisbon|Portugal|PT|38.7223|-9.1393|Europe/Lisbon
London|England|United Kingdom|GB|51.5074|-0.1278|Europe/London
Los Angeles|California|United States|US|34.0522|-118.2437|America/Los_Angeles
Lyon|Auvergne-Rhone-Alpes|France|FR|45.7640|4.8357|Europe/Paris
Madrid|Madrid|Spain|ES|40.4168|-3.7038|Europe/Madrid
Manchester|England|United Kingdom|GB|53.4808|-2.2426|Europe/London
Manila|Metro Manila|Philippines|PH|14.5995|120.9842|Asia/Manila
Melbourne|Victoria|Australia|AU|-37.8136|144.9631|Australia/Melbourne
Mexico City|Mexico City|Mexico|MX|19.4326|-99.1332|America/Mexico_City
Milan|Lombardy|Italy|IT|45.4642|9.1900|Europe/Rome
Minsk|Minsk City|Belarus|BY|53.9006|27.5590|Europe/Minsk
Montreal|Quebec|Canada|CA|45.5019|-73.5674|America/Toronto
Moscow|Moscow|Russia|RU|55.7558|37.6173|Europe/Moscow
Mumbai|Maharashtra|India|IN|19.0760|72.8777|Asia/Kolkata
Munich|Bavaria|Germany|DE|48.1351|11.5820|Europe/Berlin
Nairobi|Nairobi|Kenya|KE|-1.2921|36.8219|Africa/Nairobi
New York|New York|United States|US|40.7128|-74.0060|America/New_York
Oslo|Oslo|Norway|NO|59.9139|10.7522|Europe/Oslo
Paris|Ile-de-France|France|FR|48.8566|2.3522|Europe/Paris
Prague|Prague|Czech Republic|CZ|50.0755|14.4378|Europe/Prague
Pyongyang|Pyongyang|North Korea|KP|39.0392|125.7625|Asia/Pyongyang
Reykjavik|Capital Region|Iceland|IS|64.1466|-21.9426|Atlantic/Reykjavik
Rome|Lazio|Italy|IT|41.9028|12.4964|Europe/Rome
San Francisco|California|United States|US|37.7749|-122.4194|America/Los_Angeles
Santiago|Santiago Metropolitan|Chile|CL|-33.4489|-70.6693|America/Santiago
Sao Paulo|Sao Paulo|Brazil|BR|-23.5505|-46.6333|America/Sao_Paulo
Seattle|Washington|United States|US|47.6062|-122.3321|America/Los_Angeles
Seoul|Seoul|South Korea|KR|37.5665|126.9780|Asia/Seoul
Shanghai|Shanghai|China|CN|31.2304|121.4737|Asia/Shanghai
Singapore|Singapore|Singapore|SG|1.3521|103.8198|Asia/Singapore
Sofia|Sofia-Capital|Bulgaria|BG|42.6977|23.3219|Europe/Sofia
Stockholm|Stockholm|Sweden|SE|59.3293|18.0686|Europe/Stockholm
Sydney|New South Wales|Australia|AU|-33.8688|151.2093|Australia/Sydney
Taipei|Taipei City|Taiwan|TW|25.0330|121.5654|Asia/Taipei
Tehran|Tehran|Iran|IR|35.6892|51.3890|Asia/Tehran
Tel Aviv|Tel Aviv|Israel|IL|32.0853|34.7818|Asia/Jerusalem
Tokyo|Tokyo|Japan|JP|35.6762|139.6503|Asia/Tokyo
Toronto|Ontario|Canada|CA|43.6532|-79.3832|America/Toronto
Vancouver|British Columbia|Canada|CA|49.2827|-123.1207|America/Vancouver
Vienna|Vienna|Austria|AT|48.2082|16.3738|Europe/Vienna
Warsaw|Mazovia|Poland|PL|52.2297|21.0122|Europe/Warsaw
Washington|District of Columbia|United States|US|38.9072|-77.0369|America/New_York
Zurich|Zurich|Switzerland|CH|47.3769|8.5417|Europe/Zurich
"""


def _city(line: str) -> City:
    name, region, country, code, latitude, longitude, zone = line.split("|")
    return City(name, region, country, code, float(latitude), float(longitude), zone)


CITIES: Final = {city.name.casefold(): city for city in map(_city, _TABLE.strip().splitlines())}
"""Every city by its name in small letters."""


def find(name: str) -> City | None:
    """The city of that name, whatever its case; null if it is not in the table."""
    return CITIES.get(name.strip().casefold())


def in_zone(zone: str) -> City | None:
    """A city whose clocks keep that IANA zone: the one it is named after, if there is one."""
    namesake = find(zone.rpartition("/")[2].replace("_", " "))
    if namesake is not None and namesake.zone == zone:
        return namesake
    return next((city for city in CITIES.values() if city.zone == zone), None)
