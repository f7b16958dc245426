"""Folders of files, looked through and taken from."""
