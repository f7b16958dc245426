"""The operators' pages: what they show, in which words, and how they are served; where the figures
come from is wired outside.
"""
