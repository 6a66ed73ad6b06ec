"""Commands of the clerk: persons, staff, agents, ward, treatments, attendance, rate."""
