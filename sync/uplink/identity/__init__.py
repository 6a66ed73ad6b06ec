"""Who this machine is to the centre: its key, its certificate, and how it gets them."""
