"""LAN mode: libraries on other machines call this daemon, both sides proven, all of it sealed."""
