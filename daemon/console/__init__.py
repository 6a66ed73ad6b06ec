"""The clerk's console: a page of this machine under ``/ui``, for staff who logged in."""
