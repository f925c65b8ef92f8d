"""How values are written for people: times, browsers, names of settings, hostile text."""
