"""The golden cases as data, one JSON file per group; written by ``tools/cases``."""
