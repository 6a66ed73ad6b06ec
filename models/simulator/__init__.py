"""Simulated (仿真) heads and attacks before simulated depth cameras, reproducible by seed."""
