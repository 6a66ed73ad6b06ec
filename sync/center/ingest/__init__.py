"""From the bytes of a request to records that may be stored. Pure: no clock, disk or socket."""
