"""An adversary round `decide`."""
