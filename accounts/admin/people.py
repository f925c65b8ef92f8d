"""People in admin."""
