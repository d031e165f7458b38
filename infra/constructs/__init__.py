"""One capability a module: a keyspace, a function, socket routes, HTTPS routes."""
