"""The slabs of DICOM's context group 4271, "OCT-A Analysis Type": which layers an en-face image shows.

Each slab has two codes, of the flow in its vessels and of the reflectance of its tissue (PS3.16, CID 4271).
"""

from __future__ import annotations

from unoqa.core.facts import STRUCTURAL

_FLOW = {
    128257: "retina, colours by depth",
    128259: "whole retina",
    128261: "vitreous",
    128263: "radial peripapillary",
    128265: "superficial",
    128267: "intermediate",
    128269: "deep",
    128271: "outer retina",
    128273: "choriocapillaris",
    128275: "choroid",
    128277: "whole eye",
}

SLABS = {
    **{str(code): slab for code, slab in _FLOW.items()},
    **{str(code + 1): f"{STRUCTURAL} {slab}" for code, slab in _FLOW.items()},
}
"""The slab of each code of the scheme DCM."""
