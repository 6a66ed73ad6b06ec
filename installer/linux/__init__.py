"""A .deb and a plain archive of the bundle, for Debian, Kylin and UOS."""
