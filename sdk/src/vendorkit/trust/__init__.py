"""MAY WE BELIEVE IT: a release's files, records and decisions, verified before anything of it is used.

The root of trust is the engagement of the one who asks: its manifest says who is internal, its `allowed_signers`
whose key is whose. Nothing that the registry holds is believed because it is there.
"""
