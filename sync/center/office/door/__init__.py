"""How the office is called: fields, routes, permissions, HTTP."""
