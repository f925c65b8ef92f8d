"""What admins see: people, the Microsoft app, sign-ins, sessions, the rehearsal.

`pages.register` registers the model pages after Django has loaded every app's admin module.
"""
