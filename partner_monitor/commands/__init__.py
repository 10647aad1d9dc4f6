"""Our commands beside Scrapy's own. Every ``scrapy`` call imports all of these modules: what is
heavy is imported where it is used."""
