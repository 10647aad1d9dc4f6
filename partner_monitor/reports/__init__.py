"""Reports for people: what the store's views say, in words and tables."""
