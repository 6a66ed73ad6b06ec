"""The windows people see, as a process of its own: it knows nothing but what it is sent."""
