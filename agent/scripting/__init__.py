"""Tests of pages and desktops: exact steps and plain words, played, explained, recorded, exported."""
