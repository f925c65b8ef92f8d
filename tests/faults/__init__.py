"""Everything that has ever broken a sign-in, set up for real: what the page says, what doctor says.

fault        one fault, and the list of all      stage       sites, proxies, browsers, doctor
mistakes     settings with one mistake           catalogue   the faults in order, and their table

session_settings, stores, instances, browsers, proxies, registrations, microsoft, people and
environment hold the faults. `make faults` prints the table; `python -m tests.faults.catalogue`
writes it into docs/troubleshooting.md.
"""
