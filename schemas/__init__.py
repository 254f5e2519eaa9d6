"""What two processes must agree on: events, versions, topics, documents, settings. No I/O."""
