"""Django's date formats for each language, with the time zone after every time."""
