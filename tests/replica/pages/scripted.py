"""A page that comes as a shell, which a script of the site fills."""

from __future__ import annotations

SHELL = """<!DOCTYPE html>
<html lang="en-US"><head><meta charset="utf-8"/><title>Odoo</title>
<link rel="stylesheet" href="/web/assets/frontend.css"/>
<style>@font-face {font-family: Inter; src: url("/web/assets/inter.woff2")}
body {font-family: Inter}</style>
<script defer="defer" src="/web/assets/fill.js"></script></head>
<body><div id="wrapwrap"><main><div id="wrap">Loading<img src="/web/image/wait.gif" alt=""/>
<video src="/web/video/hello.mp4" autoplay="autoplay"></video></div></main></div></body></html>
"""

FILL_SCRIPT = """// Fetches what the page is about, and puts it into its frame.
fetch(location.pathname + location.search, {headers: {"X-Requested-With": "XMLHttpRequest"}})
  .then((answer) => answer.text())
  .then((text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.getElementById("wrapwrap").replaceWith(...page.body.childNodes);
  });
"""
