"""How products speak to us."""
