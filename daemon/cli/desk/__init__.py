"""Commands of the clerk: agents, ward, treatments, attendance, registrations, rate."""
