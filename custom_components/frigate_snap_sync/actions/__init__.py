"""The actions, one module for each group of them."""
