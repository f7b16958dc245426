"""Every endpoint of every channel is called, and what each call leaves behind is looked for."""
