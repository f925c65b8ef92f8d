"""What operators do, whether by command or in admin: people, sessions, the app, the record."""
