"""Finding messages by what they are: by the narrowest index, and a bounded look at what it names."""
