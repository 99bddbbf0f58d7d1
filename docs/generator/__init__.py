"""The reference pages that are made from code, a module for each kind of page."""
