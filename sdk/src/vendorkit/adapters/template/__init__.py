"""Templates, through Copier: the only package that imports it.

`copies` renders into folders as Copier does by itself; `blueprint` renders one version of any template for many
repositories at once. What becomes of a rendering is decided by `vendorkit new`, the checks and the fleet.
"""

from vendorkit.adapters.template.copies import (
    CONFIGURATION,
    PARTS,
    PIN_KEY,
    PIN_QUESTION,
    Rendered,
    is_seeded,
    managed_files,
    render,
    seeded_patterns,
    template_home,
)

__all__ = [
    "CONFIGURATION",
    "PARTS",
    "PIN_KEY",
    "PIN_QUESTION",
    "Rendered",
    "is_seeded",
    "managed_files",
    "render",
    "seeded_patterns",
    "template_home",
]
