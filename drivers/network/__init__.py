"""Network cameras: RTSP streams, and ONVIF cameras that tell where theirs is. Colour only."""
