"""Who may call the operators' pages and API: by which host, from which page, with which key."""
