"""What every test may ask for, those in extension/ as well."""

pytest_plugins = ["tests.fixtures"]
