"""What nibabel reads of a NIfTI file, turned to the axes of this package: columns to the left, rows to posterior, slices to superior."""

import numpy as np
import nibabel
from nibabel.orientations import apply_orientation, io_orientation


def frames(image):
    """The samples [volume, slice, row, column(, channel)]: stored integers of at most 32 bits, else the binary32 of the rescaled values."""
    stored = image.dataobj.get_unscaled()
    kind = stored.dtype
    if kind.names:
        stored = np.stack([stored[name] for name in kind.names], axis=-1)
        volume = stored.reshape(*shape(image.shape), 3)
    elif kind.kind in "iu" and kind.itemsize <= 4:
        volume = np.asarray(stored).reshape(shape(image.shape))
    else:
        volume = image.get_fdata(dtype=np.float64).astype(np.float32).reshape(shape(image.shape))
    orientation = io_orientation(image.affine)
    volume = apply_orientation(volume, orientation)
    # Canonical axes run to right, anterior and superior.
    volume = volume[::-1, ::-1]
    through = int(orientation[2, 0])
    if shape(image.shape)[2] == 1 and through != 2:
        # One coronal or sagittal slice is a picture of its own: feet below.
        volume = volume[:, :, ::-1]
        order = (0, 2, 1, 3) if through == 1 else (1, 2, 0, 3)
    else:
        order = (0, 1, 2, 3)
    volume = np.moveaxis(volume, [order[3], order[2], order[1], order[0]], [0, 1, 2, 3])
    return np.ascontiguousarray(volume)


def shape(shape):
    """Four axes: missing ones have one sample, later ones must."""
    assert all(count == 1 for count in shape[4:])
    return tuple(shape[:4]) + (1,) * (4 - len(shape))


def load(path):
    return nibabel.load(path)
