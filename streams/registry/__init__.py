"""Who uses us and how, in MySQL: tenants, connections, documents, installations, and a cached copy of it all."""
