"""What ``make bench`` runs: the flow, DBOS and pgbench in turns on one machine, with PostgreSQL's default durability."""
