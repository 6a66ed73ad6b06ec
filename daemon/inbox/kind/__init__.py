"""What each kind of document changes at the counter, and how its content is read."""
