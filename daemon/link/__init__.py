"""The daemon's side of the way to the centre: its keys, its clock, its alarms, its evidence."""
