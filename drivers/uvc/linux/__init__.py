"""Video devices by the kernel's own interface."""
