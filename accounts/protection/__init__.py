"""Secrets: encrypted at rest, signed where others can write, cut out of whatever is printed."""
