"""The centre's database: SQLite embedded, PostgreSQL in production, DM8 prepared."""
