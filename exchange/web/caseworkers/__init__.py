"""Pages for partners' caseworkers, as channels declare them."""
