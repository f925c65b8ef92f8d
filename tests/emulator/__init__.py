"""A local Microsoft Entra ID: it speaks Entra's v2.0 endpoints, on loopback only.

server      the emulator that tests and `make run` start; `python -m` this package for people
controls    what tests may ask of it, in process or, with remote.py, over HTTP
discovery   the metadata document and the signing keys; keys.py makes and rotates those
authorize   the page of people to be and errors to meet; asked.py reads what the site asked for,
            pages.py shows it, people.py and scenarios.py list what there is to choose
token       swaps a code for an id_token, which id_token.py makes; failures.py words what goes wrong
misbehave   every way in which it can be told to do wrong
person      plays the page over plain HTTP; site.py plays a careless site

Whoever reaches it can be anyone, hence loopback, and no production module imports it. It imports
itself relatively and nothing else of the tests: the wheel carries it under a name of its own.
"""
