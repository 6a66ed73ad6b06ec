"""One person before the camera of one counter: seen, judged, matched, enrolled."""
