"""How the site makes slugs, and invented names of companies in many scripts.
Pure functions of their arguments and of a given random generator.
"""

from __future__ import annotations

import random
import re
import unicodedata
from typing import Literal

SlugStyle = Literal["dropped", "dashed", "ascii"]


def slugify(name: str, style: SlugStyle = "dropped") -> str:
    """A slug by the site's rule: accents go only where they decompose, so đ and ı stay.

    Dots become nothing (``dropped``, Odoo 19) or a dash (``dashed``). ``ascii`` is Odoo 18: dashes
    and no other letters at all, so that an Arabic name leaves an empty slug.
    """
    text = unicodedata.normalize("NFKD", name)
    if style == "dropped":
        parts = (re.sub(r"[^\w-]+", "", part).strip("-") for part in re.split(r"-|_| ", text))
        return unicodedata.normalize("NFC", "-".join(part.lower() for part in parts if part))
    if style == "ascii":
        text = text.encode("ascii", "ignore").decode()
    else:
        text = "".join(char for char in text if not unicodedata.combining(char))
    text = re.sub(r"[\W_]+", "-", text).strip("-").lower()
    return unicodedata.normalize("NFC", text)


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


_FIRST = _words(
    "Alder Amber Anvil Arbor Argent Atlas Aurora Bay Beacon Birch Blue Bridge Bright Canyon Cedar "
    "Cobalt Comet Copper Coral Crest Crow Delta Drift Ember Falcon Fern Field Firefly Flint Fox "
    "Gable Garnet Gentian Glade Granite Harbor Heron Indigo Iris Ivory Juniper Karst Kestrel "
    "Lagoon Larch Lumen Maple Marble Meridian Mint Moss Nimbus North Oak Onyx Opal Orchard Osprey "
    "Otter Pebble Pine Plover Polar Quarry Quartz Raven Reef Ridge River Rowan Saffron Sage Sierra "
    "Slate Sparrow Spruce Stone Summit Swift Tansy Teal Tern Thistle Timber Umber Vale Velvet "
    "Vesper Violet Walnut Wave Willow Wren Yarrow Zenith"
)
_SECOND = _words(
    "Advisory Analytics Apps Business Cloud Code Computing Consulting Data Digital Dynamics "
    "Enterprise ERP Group Informatics Integration IT Labs Logic Matrix Networks Partners "
    "Process Services Soft Software Solutions Systems Tech Technologies Works"
)
_FORMS: dict[int, tuple[str, ...]] = {
    20: ("BV", "SRL", "NV"),
    29: ("Ltda.", "S.A."),
    56: ("GmbH", "GmbH & Co. KG"),
    67: ("S.L.", "SL", "S.L.U.", "SLU"),
    74: ("SARL", "SAS", "S.A.S."),
    101: ("Pvt. Ltd.", "Private Limited", "LLP"),
    106: ("S.r.l.", "SRL"),
    215: ("A.Ş.", "Ltd. Şti."),
    222: ("Ltd", "Limited", "LLP"),
    224: ("Inc.", "LLC", "Corp."),
    232: ("JSC.", "Co., Ltd", "., JSC"),
}
_LOCAL: dict[int, tuple[str, ...]] = {
    29: ("Soluções Integração", "Gestão São Bento"),
    36: ("Québec Données", "Érable Systèmes"),
    46: ("云海软件", "北辰信息技术"),
    56: ("Grünwald Lösungen", "Straßberger Söhne"),
    64: ("النيل للحلول", "أفق التقنية"),
    67: ("Informática Peñalara", "Asesoría Ibáñez", "Telecomunicaciones Núñez"),
    74: ("Société Générique d'Été", "L'Atelier du Progiciel", "Cœur & Logiciel"),
    109: ("株式会社ソラテック", "ひかりシステム"),
    117: ("블루스톤컨설팅", "한빛정보기술"),
    173: ("Łódź Usługi", "Żuraw Systemy"),
    185: ("رؤية الأعمال", "شركة المسار"),
    215: ("Eskişehir Yazılım", "Kıta Yazılım", "Işık Bilişim"),
    208: ("ชัยโซลูชั่น", "สยามซอฟต์แวร์"),
    232: ("CÔNG TY TNHH GIẢI PHÁP ĐÔNG Á", "Công ty Cổ phần Đầu tư Sao Mai", "Đại Việt Số"),
}
# Names that have misled readers of the site: tier words, markup, quotes, broken letters.
TRAPS = (
    "Golden Gold Ready ERP",
    "Ready 2 Go Solutions",
    "Silver Lining Systems",
    "Gold Coast Partners",
    'Quote "Unquote" & Sons',
    "O'Leary <b>Bold</b> & Co",
    "<script>alert(1)</script> Ltd",
    "K?ta Yaz?l?m",
    "1,234 References Ltd",
    "100 % Retention GmbH",
    "🚀 Rocket ERP",
    "Double  Space   Consulting",
    "a",
)


def company(rng: random.Random, country_id: int | None) -> str:
    """An invented company name, now and then in the country's own script."""
    local = _LOCAL.get(country_id or 0)
    if local and rng.random() < 0.3:
        name = f"{rng.choice(local)} {rng.choice(_FIRST) if rng.random() < 0.7 else ''}".strip()
    else:
        name = f"{rng.choice(_FIRST)}{rng.choice(('', ' '))}{rng.choice(_SECOND)}"
        if rng.random() < 0.2:
            name = f"{rng.choice(_FIRST)} {name}"
    forms = _FORMS.get(country_id or 0, ("Ltd", "SA", "S.A.", "LLC", ""))
    if rng.random() < 0.6:
        name = f"{name} {rng.choice(forms)}".strip()
    return name.upper() if rng.random() < 0.08 else name


def customer(rng: random.Random) -> str:
    """An invented customer's name."""
    kinds = (
        "Bakery",
        "Clinic",
        "Foods",
        "Garage",
        "Hotels",
        "Mills",
        "School",
        "Textiles",
        "Wines",
    )
    return f"{rng.choice(_FIRST)} {rng.choice(_FIRST)} {rng.choice(kinds)}"


_PLACES = ("Brookhaven", "Castelnou", "Fort Ébène", "Grünau", "Hà Nội", "Kılıç", "Lakeside")
_STATES = ("North", "South", "East", "West", "TP Hồ Chí Minh", "Île Haute")


def place(rng: random.Random) -> tuple[str, str, str]:
    """State, city and zip, any of them missing, now and then a phone number for a zip."""
    state = rng.choice(_STATES) if rng.random() < 0.45 else ""
    city = rng.choice(_PLACES) if rng.random() < 0.93 else ""
    zip_code = str(rng.randrange(1000, 99999)) if rng.random() < 0.8 else ""
    if rng.random() < 0.01:
        zip_code = f"+{rng.randrange(1, 99)} 555 {rng.randrange(1000, 9999)}"
    return state, city, zip_code
