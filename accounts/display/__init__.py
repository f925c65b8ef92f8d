"""Values written for people: times, browsers, references, names of settings, untrusted text."""
