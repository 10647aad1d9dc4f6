"""The database: schema, staging, publishing, views, migrations. Knows no Scrapy and no HTML."""
