"""From camera frames to one judged, living, matched face."""
