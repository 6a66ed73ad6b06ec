"""Is it a living person before the fitted camera: gates, actions, cues, stream, device."""
