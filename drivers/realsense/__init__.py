"""Intel RealSense D400 cameras and recordings of them, by the vendor's pyrealsense2."""
