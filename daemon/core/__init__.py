"""Pure decisions about one encounter; imports nothing of ours and touches nothing outside."""
