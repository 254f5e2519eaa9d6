"""HubSpot: portals, their objects, properties, associations, search, limits and webhooks."""
