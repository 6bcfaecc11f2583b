"""What the array API wants to know of a namespace."""
from libchunk import _core


class Info:
    """Answers of `__array_namespace_info__()`, as the array API of 2024.12 has them."""

    def capabilities(self):
        """What this namespace can do: masks index; shapes that depend on data are counted."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 32}

    def default_device(self):
        """"cpu"."""
        return "cpu"

    def default_dtypes(self, *, device=None):
        """The dtypes of arrays made without one."""
        import numpy as np

        return {"real floating": np.dtype("float64"), "complex floating": np.dtype("complex128"), "integral": np.dtype("int64"),
                "indexing": np.dtype("int64")}

    def devices(self):
        """All devices: ["cpu"]."""
        return ["cpu"]

    def dtypes(self, *, device=None, kind=None):
        """Dtypes by name, all or of some kinds."""
        import numpy as np

        dtypes = {name: np.dtype(name) for name in _core.DTYPES if name != "float16"}
        return dtypes if kind is None else {name: d for name, d in dtypes.items() if np.isdtype(d, kind)}


def __array_namespace_info__():
    """The object that answers the array API's questions about this namespace."""
    return Info()
