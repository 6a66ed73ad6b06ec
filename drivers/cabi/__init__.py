"""Cameras of vendors who ship one library of five functions (``include/yibao_camera.h``)."""
