"""Running the product: on one machine, in containers, on Kubernetes. No product code."""
