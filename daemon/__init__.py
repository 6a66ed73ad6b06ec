"""The resident process: HTTP edge, one encounter at a time per camera, wiring."""
