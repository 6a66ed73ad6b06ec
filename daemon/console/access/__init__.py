"""Who may use the console: accounts, sessions, and what each role may do."""
