"""USB video class cameras: one colour camera (``uvc``), or colour and infrared (``uvc-pair``)."""
