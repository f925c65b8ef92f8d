"""This process and those beside it: objects of its own, copies kept current, who else runs."""
