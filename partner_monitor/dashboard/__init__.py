"""The dashboard: what the store knows, in a browser. Reads the store; knows no Scrapy.

``app.build`` puts it together: ``pages`` (the start page, a partner's, a country's, a run's),
``lists`` with their ``fields``, ``login`` and ``security``. ``charts`` says what is drawn, and
``static/js/dashboard.js`` draws it.
"""
