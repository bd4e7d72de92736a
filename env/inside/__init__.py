"""Programs that run inside a world, on Debian's own Python; nothing imports them."""
