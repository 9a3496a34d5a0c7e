"""The real PostgreSQL and the real Kafka, from wheels and jars, as child processes with data in a folder."""
