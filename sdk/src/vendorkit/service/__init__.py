"""The inference service: one verified release behind HTTP, every answer checked by contract and logged.

Nothing here reaches the registry: what is served comes in as a `Servable`, already verified and loaded.
"""
