"""Who works at the centre: users, sessions, scopes, masks, and the log of what they did."""
