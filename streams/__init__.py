"""What happens between the products: reading, deciding, writing, keeping the history."""
