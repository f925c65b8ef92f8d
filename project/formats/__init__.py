"""Django's formats of the languages, with the zone named behind every time that people read."""
