"""What the commands of `surehand` do; agent.cli says how they are called, and imports these only when they are."""
