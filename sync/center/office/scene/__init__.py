"""What institutions do: practitioners, round tasks, registrations that await review."""
