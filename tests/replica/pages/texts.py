"""The words of the odoo.com layout in English, Spanish and Turkish. What was never seen in a
language is a plain translation; every other language is served in English.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.replica.pages.common import ENGLISH


@dataclass(frozen=True, slots=True)
class Texts:
    """``{n}`` is the number. A plural is used for every number but 1."""

    find: str
    in_country: str
    all_industries: str
    all_categories: str
    all_countries: str
    category_filter: str
    country_filter: str
    card_label: str
    average: str
    large: str
    reference: str
    references: str
    expert: str
    experts: str
    certified: str
    back: str
    previous: str
    next: str
    nothing_found: str
    no_partner_here: str


_ENGLISH = Texts(
    find="Find a reseller",
    in_country="in {n}",
    all_industries="All Industries",
    all_categories="All Categories",
    all_countries="All Countries",
    category_filter="Filter by category",
    country_filter="Filter by country",
    card_label="Go to reseller",
    average="Average Project: {n} users",
    large="Large Project: ~{n} users",
    reference="{n} Reference",
    references="{n} References",
    expert="{n} Certified Expert",
    experts="{n} Certified Experts",
    certified="Certified v{n}",
    back="Back to resellers",
    previous="Previous",
    next="Next",
    nothing_found="No results found for",
    no_partner_here="There are no matching partners found for the selected country. "
    "Displaying results across all countries instead.",
)
_SPANISH = Texts(
    find="Encontrar un distribuidor",
    in_country="en {n}",
    all_industries="Todas las industrias",
    all_categories="Todas las categorías",
    all_countries="Todos los países",
    category_filter="Filtrar por categoría",
    country_filter="Filtrar por país",
    card_label="Ir al distribuidor",
    average="Proyecto medio: {n} usuarios",
    large="Proyecto más grande: ~{n} usuarios",
    reference="{n} Referencia",
    references="{n} Referencias",
    expert="{n} con certificación",
    experts="{n} con certificación",
    certified="Certificado v{n}",
    back="Volver a distribuidores",
    previous="Anterior",
    next="Siguiente",
    nothing_found="No se encontraron resultados para",
    no_partner_here="No hay partners para el país seleccionado. Se muestran todos los países.",
)
_TURKISH = Texts(
    find="Bir satıcı bulun",
    in_country="{n}",
    all_industries="Tüm Sektörler",
    all_categories="Tüm Kategoriler",
    all_countries="Tüm Ülkeler",
    category_filter="Kategoriye göre filtrele",
    country_filter="Ülkeye göre filtrele",
    card_label="Satıcıya git",
    average="Ortalama Proje: {n} kullanıcı",
    large="Büyük Proje: ~{n} kullanıcı",
    reference="{n} Referans",
    references="{n} Referans",
    expert="{n} Sertifikalı Uzman",
    experts="{n} Sertifikalı Uzman",
    certified="Sertifikalı{n}",
    back="Satıcılara dön",
    previous="Önceki",
    next="Sonraki",
    nothing_found="Sonuç bulunamadı:",
    no_partner_here="Seçilen ülkede iş ortağı yok. Tüm ülkeler gösteriliyor.",
)
_BY_LANGUAGE = {ENGLISH: _ENGLISH, "es_ES": _SPANISH, "tr_TR": _TURKISH}


def texts_in(language: str) -> Texts:
    return _BY_LANGUAGE.get(language, _ENGLISH)
