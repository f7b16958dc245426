"""Pages for partners' workers, as channels declare them."""
