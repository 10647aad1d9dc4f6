"""Running unattended: a scrapyd of our own, and sending the project to one. Knows no store."""
