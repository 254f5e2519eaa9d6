"""The demonstration: people edit records in two products, and everything that follows is shown as it happens."""
