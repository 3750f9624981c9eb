"""Writes tests/data/npy with NumPy: arrays as other tools leave them."""

from pathlib import Path

import numpy as np

folder = Path(__file__).parent / "npy"
folder.mkdir(exist_ok=True)


def save(name, array):
    np.save(folder / name, array)


injections = np.zeros((2, 1, 2, 3))
masks = np.ones((2, 1, 2, 3))
for site, cell, value in ((0, (0, 1, 2), np.nan), (0, (0, 0, 0), 0.0), (1, (0, 0, 1), -np.inf), (1, (0, 1, 0), 0.1)):
    injections[(site, *cell)] = value
    masks[(site, *cell)] = 0
for name, array in (("injections", injections), ("masks", masks)):
    save(f"{name}-f4", array.astype("<f4"))
    save(f"{name}-f8", array.astype("<f8"))
    save(f"{name}-f4-big", array.astype(">f4"))
save("injections-fortran", np.asfortranarray(injections.astype(">f8")))
save("masks-fortran", np.asfortranarray(masks.astype("<f4")))
save("masks-bool", masks.astype(bool))
save("fortran", np.asfortranarray(masks.astype("<f4")))
save("rank-1", masks[:, 0, 0, 0])
save("rank-3", masks[0])
save("half", masks.astype("<f2"))
save("int", masks.astype("<i8"))
save("empty", masks[:0].astype("<f4"))
save("other-shape", masks.reshape(2, 2, 1, 3))
save("masks-half-way", np.where(masks == 1, 1, 0.5))
save("all-ones", np.ones((2, 1, 2, 3), "<f4"))
save("zeros", np.zeros((2, 1, 2, 3), "<f4"))
save("golden", np.array([[-2.5, np.nan, 7.25], [np.inf, 0.0, -np.inf]], "<f4"))
save("constant", np.full((3,), 1.5))
save("beyond", np.where(masks == 0, 1e300, 0))
two = bytearray((folder / "masks-bool.npy").read_bytes())
two[-1] = 2
(folder / "two.npy").write_bytes(two)
cut = (folder / "masks-f4.npy").read_bytes()[:150]
(folder / "cut.npy").write_bytes(cut)
