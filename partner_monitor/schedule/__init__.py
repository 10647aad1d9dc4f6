"""The calendar: what is crawled when and on which machine, and what is made of a missed time."""
