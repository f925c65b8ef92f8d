"""The real servers that tests and `make run` start: on loopback, and ended with their starter."""
