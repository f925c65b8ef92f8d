"""The sign-in's requests and responses: start, callback, refusals, middleware."""
