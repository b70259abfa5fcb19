"""PostgreSQL: connections, migrations, the transaction of a batch, queries; through psycopg."""
