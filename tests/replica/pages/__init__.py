"""Rendering: a listing, a profile or an error as the HTML of one of three layouts.
Strings in, strings out; which page is due is decided by the server.
"""
