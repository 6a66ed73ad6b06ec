"""Astra-class cameras (Astra, Astra S, Astra Mini), which only OpenNI2 knows how to drive.

The C interface of OpenNI2 is bound here by cffi rather than by the package ``openni``: that one
finds no Debian runtime without its development files, cannot try again after a failed start,
changes the working folder, tells of devices before its own listener is ready, and shuts down in
``atexit``, where a broken stream hangs the process.
"""
