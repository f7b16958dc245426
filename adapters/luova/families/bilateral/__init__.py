"""Data between Kela and foreign institutions on persons who live or work abroad."""
