"""The decision: a pure function of state, event and plan."""
