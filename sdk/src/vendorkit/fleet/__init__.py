"""The fleet: all engagement repositories, and how a change of their template reaches each of them.

Works on git objects; nothing of a repository is run. Only `cli` prints what comes out.
"""
