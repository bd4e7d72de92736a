"""OSWorld's tasks in our worlds: its own client, unmodified, in a sandbox beside, and what it finds when it asks."""
