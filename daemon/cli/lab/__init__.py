"""Commands to try and to measure: demo, clips, benchmark."""
