"""What admins see: people, the Microsoft app, sign-ins, sessions, the rehearsal.

`pages.register` puts them on the site once every app's own admin has been discovered.
"""
