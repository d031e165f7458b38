"""Storage on Amazon Keyspaces or Apache Cassandra: ``docs/storage.md`` has the rules."""
