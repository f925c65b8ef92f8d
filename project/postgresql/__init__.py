"""Django's PostgreSQL engine with time-outs on the client's side."""
