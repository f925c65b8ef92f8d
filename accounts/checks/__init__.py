"""Static system checks with stable ids (no I/O); live probes are in operate/doctor."""
