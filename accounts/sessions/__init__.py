"""Sessions: storing them (store), listing them by user (index), ending them (service, limits)."""
