"""Partner Monitor: a history of the public Odoo partner directory that can be trusted."""

__version__ = "0.1.0"
