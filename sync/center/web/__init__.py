"""The page of the office: static files that talk to the office's JSON API, nothing else."""
