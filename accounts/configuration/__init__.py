"""What can be set, how it is read, and what is said of a wrong value."""
