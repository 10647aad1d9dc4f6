"""The rules of the history. Knows no HTML and no SQL; takes "now" as an argument."""
