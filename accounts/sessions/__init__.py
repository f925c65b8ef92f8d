"""Sessions: where they live (store), whose they are (index), ending them (service, limits)."""
