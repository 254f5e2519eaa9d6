"""A stateful stand-in of each product, written from the vendors' facts and independent of our connectors."""
