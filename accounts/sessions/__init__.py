"""Sessions: where they live (store), whose they are (index), and ending them (service)."""
