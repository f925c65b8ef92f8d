"""The site that carries `accounts`: settings, URLs, servers."""
