"""WHAT WAS DONE: hooks that record a training run while it runs, and fresh processes that measure it after."""
