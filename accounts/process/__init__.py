"""One process among several: objects of its own, copies kept current, a registry of processes."""
