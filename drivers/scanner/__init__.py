"""Code scanners: QR and bar codes as text, from a serial port or a keyboard of their own."""
