"""Medical certificates that Kanta passes on to Kela."""
