"""Presentations of the simulator (仿真) before the product's own engine."""
