"""The centre's door: HTTPS with client certificates, routes, limits."""
