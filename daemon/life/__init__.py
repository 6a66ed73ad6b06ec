"""The life of the service: its log, its crashes, its pulse, its clock, and how it ends."""
