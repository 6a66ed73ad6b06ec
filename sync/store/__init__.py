"""The file records wait in: its tables, taking over older ones, checking and repairing it."""
