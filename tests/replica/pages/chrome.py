"""What surrounds every page of the odoo.com layout: head, menus, footer, language selector.
The links are invented, but as many and in the same nesting as on the real page.
"""

from __future__ import annotations

from functools import cache

from tests.replica.pages.common import ASSET, ENGLISH, LANGUAGES, SEAM, TOKEN, Site, text

_CDN = "https://odoocdn.com"
_TERMS = "Certified partners worldwide who implement business software: sales, stock, books."
# Families of the two big menus: class, heading, pages.
_APPS = (
    ("finance", "Finance", "ledger billing claims sheets papers signatures"),
    ("sale", "Sales", "leads quotes counter-shop counter-restaurant renewals leasing"),
    ("website", "Websites", "site-builder web-shop journal board live-help lessons"),
    ("inventory", "Supply Chain", "warehouse factory lifecycle orders upkeep checks"),
    ("hr", "Human Resources", "staff hiring absences reviews recommend vehicles"),
    ("marketing", "Marketing", "social mailings messages gatherings automation polls"),
    ("services", "Services", "projects hours visits desk planning bookings"),
    ("productivity", "Productivity", "talk consents devices phone library chat"),
)
_TRADES = (
    ("retail", "Retail", "books clothes furniture groceries tools toys"),
    ("food", "Food & Hospitality", "pub dining quick-food guesthouse drinks hotel"),
    ("real_estate", "Real Estate", "lettings drawings building estates gardens owners"),
    ("consulting", "Consulting", "accountants implementers agency law talent audit"),
    ("manufacturing", "Manufacturing", "fabric metal wood meals brewing gifts"),
    ("health", "Health & Fitness", "sports glasses gym wellness chemist hair"),
    ("trades", "Trades", "handyman hardware solar cobbler cleaning cooling"),
    ("others", "Others", "charity ecology posters photos bikes reseller"),
)
_SOCIAL = ("github", "youtube-play", "twitter", "linkedin", "instagram", "facebook", "tiktok")
_FOOTER = (
    ("Community", "tutorials docs forum"),
    ("Open Source", "download code builds translations"),
    ("Services", "hosting support upgrades developments education accountants become-a-partner"),
    (
        "About us",
        "company brand contact jobs events podcast blog customers legal privacy security news",
    ),
)


def head(site: Site, language: str, path: str, own_paths: dict[str, str], title: str) -> str:
    """The head. ``path`` is the address asked for, ``own_paths`` the page's path by language."""
    canonical = f"{site.origin}{site.href(path, language)}"
    alternates = "\n".join(
        f'        <link rel="alternate" hreflang="{code}" '
        f'href="{site.origin}{site.href(own_paths[name], name)}"/>'
        for name, (code, _) in LANGUAGES.items()
    )
    return f"""<!DOCTYPE html>
<html lang="{language.replace("_", "-")}" data-website-id="1" dir="ltr">
    <head>
        <meta charset="utf-8"/>
        <meta http-equiv="X-UA-Compatible" content="IE=edge"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="generator" content="Odoo"/>
        <meta name="description" content="{_TERMS}"/>
        <meta property="og:type" content="website"/>
        <meta property="og:title" content="Find Resellers | Odoo"/>
        <meta property="og:url" content="{canonical}"/>
        <meta property="og:image" content="{_CDN}/web/image/website/1/social?unique={ASSET}"/>
        <meta name="twitter:card" content="summary_large_image"/>
{alternates}
        <link rel="alternate" hreflang="x-default" href="{site.origin}{site.href(path)}"/>
        <link rel="canonical" href="{canonical}"/>
        <link rel="preconnect" href="https://fonts.gstatic.com/" crossorigin=""/>
        <title>{title}</title>
        <link type="image/x-icon" rel="shortcut icon" href="{_CDN}/web/favicon?unique={ASSET}"/>
        <link type="text/css" rel="stylesheet" href="{_CDN}/web/assets/1/{ASSET}/frontend.min.css"/>
        <script id="web.layout.odooscript" type="text/javascript">
            var odoo = {{
                csrf_token: "{TOKEN}",
                debug: "",
            }};
        </script>
{_session_script()}
        <script type="text/javascript" defer="defer" src="{_CDN}/web/assets/1/{ASSET}/minimal.js">
        </script>
        <script type="application/ld+json">
{{"@context": "http://schema.org", "@type": "Organization", "name": "Odoo S.A."}}
        </script>
        <script>
            window.dataLayer = window.dataLayer || [];
            function gtag(){{dataLayer.push(arguments);}}
        </script>
        <noscript><style>.s_animated {{ visibility: visible !important; }}</style></noscript>
    </head>
"""


@cache
def _session_script() -> str:
    """About as much inline JSON as the real page carries."""
    bundles = ", ".join(
        f'"bundle_{number}": "checksum-{number * 7919:08x}"' for number in range(90)
    )
    return (
        '        <script type="text/javascript">\n'
        f'            odoo.__session_info__ = {{"is_admin": false, {bundles}}};\n'
        "        </script>"
    )


def start(language: str, body_class: str) -> str:
    """From the body's tag to the opening of `#wrap`."""
    return f"""    <body class=" {body_class}">
        <div id="wrapwrap" class=" o_find_resellers o_footer_effect_enable">
{SEAM}{_header(language)}{SEAM}
            <main class="">
        <div id="wrap">
"""


def end(site: Site, language: str, own_paths: dict[str, str]) -> str:
    """From the end of `#wrap`: footer, language selector, the live dialog."""
    return f"""        </div>
        <div id="o_shared_blocks" class="oe_unremovable"></div>
            </main><footer id="bottom" data-anchor="true" data-name="Footer" \
class="o_footer o_colored_level o_cc  o_footer_slideout">
{SEAM}{_footer_links()}{SEAM}
{_language_selector(site, language, own_paths)}
                <div class="o_footer_copyright o_not_editable">
                    <div class="container py-3 text-center">
                        <a class="small" href="/app/website">Website made with
                            <span class="o_logo o_logo_inverse o_logo_15"></span></a>
                    </div>
                </div>
            </footer>
        </div>
        <div id="o_live_modal" class="modal fade" tabindex="-1" role="dialog">
            <div class="modal-dialog"><div class="modal-content">
                <div class="modal-header"><h3 class="mt-1"><b>Live</b></h3>
                    <button type="button" class="btn-close" aria-label="Close"></button></div>
                <div class="modal-body bg-200"><img src="{_CDN}/live.gif" alt="Live"/></div>
            </div></div>
        </div>
    </body>
</html>
"""


@cache
def _header(language: str) -> str:
    pad = " " * 28
    menus = "".join(
        f"""                    <li class="dropdown">
                        <a href="#" aria-label="{label}: use the dropdown menu" \
data-bs-toggle="dropdown" data-bs-display="static" aria-expanded="false" \
class="dropdown-toggle x_wd_no_caret">{label}</a>
                        <div class="start-0 dropdown-menu o_secondary_nav">
                            <div class="container"><div class="row">
{"".join(_family(kind, families[i]) for i in range(len(families)))}
                            </div></div>
                        </div>
                    </li>
"""
        for label, kind, families in (("Apps", "app", _APPS), ("Industries", "industries", _TRADES))
    )
    social = "\n".join(
        f'{pad}<a target="_blank" href="https://{name}.example/" class="d-inline dropdown-item">'
        f'<i class="fa fa-fw fa-{name}" focusable="false"></i>'
        f'<span class="visually-hidden sr-only">{name}</span></a>'
        for name in _SOCIAL
    )
    prefix = "" if language == ENGLISH else f"/{language}"
    return f"""            <a class="o_skip_to_content btn btn-primary visually-hidden-focusable" \
href="#wrap">Skip to Content</a>
            <header id="top" data-anchor="true" data-name="Header" \
class="   o_no_autohide_menu o_affix_enabled o_header_fixed o_main_header o_not_editable">
                <div class="o_main_header_main top_menu" id="top_menu">
                <a class="float-start o_logo" href="/"><span class="sr-only">Odoo</span></a>
                <ul class="o_header_buttons list-unstyled">
                    <li class="nav-item"><a href="/web/login" class="nav-link">Sign in</a></li>
                    <li class="nav-item"><a class="btn btn-primary" href="/trial">Try it</a></li>
                </ul>
                <ul class="o_primary_nav">
{menus}
                    <li class="dropdown">
                        <a href="#" data-bs-toggle="dropdown" class="dropdown-toggle">Community</a>
                        <div class="start-0 dropdown-menu o_secondary_nav pb-0">
                            <div class="container"><div class="row">
                            <div class="col-lg-3 o_services_com">
                                <div class="o_nav_com_family">Get Services</div>
                                <ul>
                                    <li><a class="dropdown-item" href="{prefix}/partners">\
Find a Partner</a></li>
                                    <li><a class="dropdown-item" href="/accounting-firms">\
Find an Accountant</a></li>
                                    <li><a class="dropdown-item" href="/become-a-partner">\
Become a Partner</a></li>
                                </ul>
                            </div>
                            </div></div>
                            <span class="o_header_social"><div class="social_icons">
{social}
                            </div></span>
                        </div>
                    </li>
                    <li><a href="/pricing">Pricing</a></li>
                    <li><a href="/help">Help</a></li>
                </ul>
                </div>
            </header>"""


def _family(kind: str, family: tuple[str, str, str]) -> str:
    name, heading, pages = family
    pad = " " * 40
    items = "\n".join(
        f'{pad}<li><a class="dropdown-item" href="/{kind}/{page}">'
        f"{page.replace('-', ' ').title()}</a></li>"
        for page in pages.split()
    )
    return f"""                                <div class="col-lg-3 o_{name}_{kind} ">
                                    <div class="o_nav_app_family">{text(heading)}</div>
                                    <ul>
{items}
                                    </ul>
                                </div>
"""


@cache
def _footer_links() -> str:
    pad = " " * 44
    columns = ""
    for heading, pages in _FOOTER:
        items = "\n".join(
            f'{pad}<li><a href="/page/{page}">{page.replace("-", " ").title()}</a></li>'
            for page in pages.split()
        )
        columns += f"""                                <div class="col-6 col-md-4">
                                    <span class="o_footer_title">{heading}</span>
                                    <ul class="o_footer_links list-unstyled">
{items}
{pad}<li><a href="/partners">Find a Partner</a></li>
                                    </ul>
                                </div>
"""
    return f"""                <div id="footer" class="container o_not_editable ">
                    <span class="o_logo o_logo_inverse d-block mx-auto o_footer_logo my-5"></span>
                    <div class="row"><div class="col-12 col-lg-7 col-xl-6"><div class="row">
{columns}                    </div></div></div>
                </div>"""


def _language_selector(site: Site, language: str, own_paths: dict[str, str]) -> str:
    pad = " " * 20
    items = "".join(
        f"""{pad}<a class="dropdown-item js_change_lang {"active" if name == language else ""}" \
role="menuitem" href="{site.href(own_paths[name], name)}" data-url_code="{name}" title=" {native}">
{pad}    <img class="o_lang_flag " src="{_CDN}/base/static/img/country_flags/{name[-2:].lower()}\
.png?height=25" alt="" loading="lazy"/>
{pad}    <span class=""> {native}</span>
{pad}</a>
"""
        for name, (_, native) in LANGUAGES.items()
    )
    return f"""                <div class="js_language_selector o_language_selector dropdown">
                    <button type="button" data-bs-toggle="dropdown" class="dropdown-toggle btn">
                        <span class="">{LANGUAGES[language][1]}</span></button>
                    <div role="menu" class="dropdown-menu ">
{items}                    </div>
                </div>"""
