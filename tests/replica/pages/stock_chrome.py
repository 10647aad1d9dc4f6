"""What surrounds every page of a stock Odoo site: head, two menus, footer."""

from __future__ import annotations

from functools import cache

from tests.replica.pages.common import ASSET, SEAM, TOKEN, Site

_LINKS = (("/", "Home"), ("/shop", "Shop"), ("/contactus", "Contact us"))


def start(site: Site, path: str, title: str) -> str:
    """From the first line to the opening of `#wrap`; the canonical link repeats the address."""
    canonical = f"{site.origin}{site.href(path)}"
    defer = 'defer="defer" ' if site.stock == 18 else ""
    return f"""<!DOCTYPE html>
<html lang="en-US" data-website-id="1">
    <head>
        <meta charset="utf-8"/>
        <meta http-equiv="X-UA-Compatible" content="IE=edge"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="generator" content="Odoo"/>
        <meta property="og:type" content="website"/>
        <meta property="og:title" content="Find Resellers | My Website"/>
        <meta property="og:url" content="{canonical}"/>
        <link rel="canonical" href="{canonical}"/>
        <title>{title} | My Website</title>
        <link type="text/css" rel="stylesheet" href="/web/assets/1/{ASSET}/frontend.min.css"/>
        <script id="web.layout.odooscript" type="text/javascript">
            var odoo = {{
                csrf_token: "{TOKEN}",
                debug: "",
            }};
        </script>
        <script type="text/javascript" {defer}data-src="/web/assets/1/{ASSET}/lazy.js"></script>
    </head>
    <body>
        <div id="wrapwrap" class="   ">
{SEAM}{_header()}{SEAM}
            <main>
        <div id="wrap">
            <div class="oe_structure oe_empty" \
id="oe_structure_website_crm_partner_assign_layout_1"></div>
"""


def end() -> str:
    """From the end of `#wrap` to the last line."""
    return f"""            <div class="oe_structure oe_empty" \
id="oe_structure_website_crm_partner_assign_layout_2"></div>
        </div>
        <div id="o_shared_blocks" class="oe_unremovable"></div>
            </main>
{SEAM}{_footer()}{SEAM}
        </div>
    </body>
</html>
"""


@cache
def _header() -> str:
    menus = ""
    for name, state in (("Main", "d-none d-lg-block"), ("Mobile", "d-block d-lg-none")):
        items = "\n".join(
            f"""                        <li role="presentation" class="nav-item">
                            <a role="menuitem" href="{href}" class="nav-link ">
                                <span>{label}</span>
                            </a>
                        </li>"""
            for href, label in _LINKS
        )
        menus += f"""                <nav data-name="Navbar" aria-label="{name}" \
class="navbar navbar-expand-lg navbar-light o_colored_level o_cc {state} shadow-sm ">
                    <a data-name="Navbar Logo" href="/" class="navbar-brand logo me-4">
                        <span role="img"><img src="/web/image/website/1/logo" alt="Logo"/></span>
                    </a>
                    <ul role="menu" class="nav navbar-nav top_menu">
{items}
                    </ul>
                    <a href="/web/login" class="o_nav_link_btn nav-link border px-3">Sign in</a>
                </nav>
"""
    return f"""            <header id="top" data-anchor="true" data-name="Header" \
class="   o_header_standard">
{menus}            </header>"""


@cache
def _footer() -> str:
    items = "\n".join(
        f'                                <li><a href="{href}">{label}</a></li>'
        for href, label in _LINKS
    )
    return f"""            <footer id="bottom" data-anchor="true" data-name="Footer" \
class="o_footer o_colored_level o_cc ">
                <div id="footer" class="oe_structure oe_structure_solo">
                    <section class="s_text_block pt40 pb16"><div class="container">
                        <div class="row">
                            <div class="col-lg-2 pt24 pb24"><h5>Useful Links</h5>
                            <ul class="list-unstyled">
{items}
                            </ul></div>
                            <div class="col-lg-5 pt24 pb24"><h5>About us</h5>
                            <p>A site for tests.</p></div>
                        </div>
                    </div></section>
                </div>
            </footer>"""
