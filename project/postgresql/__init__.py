"""Django's PostgreSQL engine, which waits no longer than the server itself was told to."""
