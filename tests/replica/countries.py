"""The countries the site knows: Odoo's own numbers and English names, and how many partners each
had in March 2026. A country without partners is known to the site but missing from its menu.
"""

from __future__ import annotations

from functools import cache

from tests.replica.model import Country
from tests.replica.naming import slugify

# number, partners in March 2026 (a weight for generated worlds), name
_TABLE = """
1 2 Andorra|2 100 United Arab Emirates|3 4 Afghanistan|4 0 Antigua and Barbuda|5 0 Anguilla|
6 6 Albania|7 2 Armenia|8 0 Netherlands Antilles|9 4 Angola|10 0 Antarctica|11 159 Argentina|
12 0 American Samoa|13 25 Austria|14 35 Australia|15 6 Aruba|16 6 Azerbaijan|
17 2 Bosnia and Herzegovina|18 3 Barbados|19 19 Bangladesh|20 124 Belgium|21 1 Burkina Faso|
22 6 Bulgaria|23 14 Bahrain|24 2 Burundi|25 6 Benin|26 0 Bermuda|27 1 Brunei Darussalam|
28 17 Bolivia|29 52 Brazil|30 1 Bahamas|31 1 Bhutan|32 0 Bouvet Island|33 2 Botswana|
34 0 Belarus|35 4 Belize|36 94 Canada|37 0 Cocos (Keeling) Islands|
38 0 Central African Republic|39 8 Democratic Republic of the Congo|40 4 Congo|
41 47 Switzerland|42 13 Côte d'Ivoire|43 0 Cook Islands|44 22 Chile|45 5 Cameroon|46 19 China|
47 28 Colombia|48 39 Costa Rica|49 2 Serbia|50 1 Montenegro|51 0 Cuba|52 0 Cape Verde|
53 0 Christmas Island|54 5 Cyprus|55 6 Czech Republic|56 65 Germany|57 2 Djibouti|58 6 Denmark|
59 2 Dominica|60 73 Dominican Republic|61 3 Algeria|62 56 Ecuador|63 4 Estonia|64 177 Egypt|
65 0 Western Sahara|66 0 Eritrea|67 75 Spain|68 15 Ethiopia|69 9 Finland|70 0 Fiji|
71 0 Falkland Islands|72 0 Micronesia|73 0 Faroe Islands|74 124 France|75 4 Gabon|76 0 Grenada|
77 5 Georgia|78 0 French Guiana|79 5 Ghana|80 0 Gibraltar|81 0 Greenland|82 0 Gambia|
83 3 Guinea|84 3 Guadeloupe|85 0 Equatorial Guinea|86 6 Greece|
87 0 S. Georgia & S. Sandwich Isls.|88 80 Guatemala|89 0 Guam|90 0 Guinea Bissau|91 2 Guyana|
92 19 Hong Kong|93 0 Heard Island and McDonald Islands|94 32 Honduras|95 8 Croatia|96 4 Haiti|
97 4 Hungary|98 66 Indonesia|99 5 Ireland|100 7 Israel|101 160 India|
102 0 British Indian Ocean Territory|103 39 Iraq|104 0 Iran|105 2 Iceland|106 61 Italy|
107 5 Jamaica|108 22 Jordan|109 7 Japan|110 28 Kenya|111 0 Kyrgyzstan|112 2 Cambodia|
113 0 Kiribati|114 0 Comoros|115 0 Saint Kitts and Nevis|116 0 North Korea|117 5 South Korea|
118 14 Kuwait|119 0 Cayman Islands|120 2 Kazakhstan|121 1 Laos|122 28 Lebanon|
123 0 Saint Lucia|124 0 Liechtenstein|125 17 Sri Lanka|126 0 Liberia|127 0 Lesotho|
128 9 Lithuania|129 17 Luxembourg|130 3 Latvia|131 12 Libya|132 17 Morocco|133 1 Monaco|
134 0 Republic of Moldova|135 5 Madagascar|136 0 Marshall Islands|137 1 North Macedonia|
138 5 Mali|139 10 Myanmar|140 7 Mongolia|141 0 Macau|142 0 Northern Mariana Islands|
143 4 Martinique|144 3 Mauritania|145 0 Montserrat|146 5 Malta|147 10 Mauritius|148 9 Maldives|
149 0 Malawi|150 125 Mexico|151 19 Malaysia|152 4 Mozambique|153 3 Namibia|154 1 New Caledonia|
155 0 Niger|156 0 Norfolk Island|157 11 Nigeria|158 9 Nicaragua|159 54 Netherlands|
160 4 Norway|161 4 Nepal|162 0 Nauru|163 0 Neutral Zone|164 0 Niue|165 5 New Zealand|
166 18 Oman|167 42 Panama|168 80 Peru|169 4 French Polynesia|170 1 Papua New Guinea|
171 31 Philippines|172 90 Pakistan|173 15 Poland|174 0 Saint Pierre and Miquelon|
175 0 Pitcairn Islands|176 19 Puerto Rico|177 13 Portugal|178 0 Palau|179 26 Paraguay|
180 22 Qatar|181 3 Réunion|182 18 Romania|183 0 Russian Federation|184 7 Rwanda|
185 188 Saudi Arabia|186 0 Solomon Islands|187 0 Seychelles|188 8 Sudan|189 5 Sweden|
190 22 Singapore|191 0 Saint Helena, Ascension and Tristan da Cunha|192 5 Slovenia|
193 0 Svalbard and Jan Mayen Islands|194 5 Slovakia|195 1 Sierra Leone|196 0 San Marino|
197 12 Senegal|198 8 Somalia|199 4 Suriname|200 0 São Tomé and Príncipe|201 17 El Salvador|
202 0 Syria|203 0 Eswatini|204 0 Turks and Caicos Islands|205 1 Chad|
206 0 French Southern Territories|207 2 Togo|208 34 Thailand|209 0 Tajikistan|210 0 Tokelau|
211 0 Turkmenistan|212 9 Tunisia|213 0 Tonga|214 0 East Timor|215 30 Türkiye|
216 15 Trinidad and Tobago|217 0 Tuvalu|218 14 Taiwan|219 8 Tanzania|220 11 Ukraine|
221 6 Uganda|222 31 United Kingdom|223 0 USA Minor Outlying Islands|224 256 United States|
225 29 Uruguay|226 9 Uzbekistan|227 0 Holy See (Vatican City State)|
228 2 Saint Vincent and the Grenadines|229 114 Venezuela|230 0 Virgin Islands (British)|
231 0 Virgin Islands (USA)|232 25 Vietnam|233 0 Vanuatu|234 0 Wallis and Futuna|235 0 Samoa|
236 4 Yemen|237 0 Mayotte|239 24 South Africa|240 6 Zambia|242 6 Zimbabwe|249 0 Åland Islands|
250 0 Saint Barthélémy|251 2 Bonaire, Sint Eustatius and Saba|252 12 Curaçao|253 0 Guernsey|
254 0 Isle of Man|255 0 Jersey|256 0 Saint Martin (French part)|257 5 State of Palestine|
258 1 South Sudan|259 0 Sint Maarten (Dutch part)|308 0 Timor-Leste|315 2 Kosovo|
318 0 Somaliland|332 0 Northern Ireland
"""

# Names in other languages; the slug follows the name, as on the site.
TRANSLATED: dict[str, dict[int, str]] = {
    "es_ES": {
        20: "Bélgica", 56: "Alemania", 64: "Egipto", 67: "España", 74: "Francia",
        185: "Arabia Saudita", 215: "Turquía", 222: "Reino Unido", 224: "Estados Unidos",
    },
    "tr_TR": {
        20: "Belçika", 56: "Almanya", 64: "Mısır", 67: "İspanya", 74: "Fransa",
        185: "Suudi Arabistan", 215: "Türkiye", 222: "Birleşik Krallık", 224: "ABD",
    },
}  # fmt: skip

# Kept in every generated world of ten countries or more: high numbers, accents, blanks, commas.
AWKWARD = (232, 252, 315, 215, 181, 251)


@cache
def _table() -> tuple[tuple[Country, int], ...]:
    rows = []
    for cell in _TABLE.replace("\n", "|").split("|"):
        if cell.strip():
            number, weight, name = cell.split(" ", 2)
            rows.append((Country(int(number), slugify(name), name), int(weight)))
    return tuple(rows)


def all_countries() -> list[Country]:
    """Every country of the site, by number."""
    return [country for country, _ in _table()]


def busiest(count: int) -> list[tuple[Country, int]]:
    """The ``count`` countries with most partners and their weights, the awkward ones included."""
    ranked = sorted(_table(), key=lambda row: (-row[1], row[0].id))
    chosen = ranked[:count]
    if count >= 10:
        extra = [row for row in ranked[count:] if row[0].id in AWKWARD]
        chosen = ranked[: count - len(extra)] + extra
    return [(country, max(1, weight)) for country, weight in chosen]


def name_in(country: Country, language: str) -> str:
    """The country's name in a language; the English one where no translation is kept here."""
    return TRANSLATED.get(language, {}).get(country.id, country.name)


def slug_in(country: Country, language: str) -> str:
    translated = TRANSLATED.get(language, {}).get(country.id)
    return slugify(translated) if translated else country.slug
