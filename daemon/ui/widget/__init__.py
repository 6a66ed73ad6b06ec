"""What is drawn: the capture window and its parts, the tray."""
