"""PostgreSQL and Redis as the app uses them: transactions, prepared queries, and outages."""
