"""How we speak to products: a document for each, and the one runtime that executes them."""
