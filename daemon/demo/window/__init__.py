"""The windows on a screen of their own, driven and measured."""
