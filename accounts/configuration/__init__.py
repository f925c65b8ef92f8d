"""The settings' variables, their readers, and messages about wrong values and names."""
