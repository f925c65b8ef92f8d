"""Secrets: encrypted at rest, authenticated in shared stores, masked in output."""
