"""The first words of ChaCha12 for the unit test in src/rng.rs, from the paper alone (D. J. Bernstein, 2008)."""

import hashlib
import struct


def rotate(x, n):
    return (x << n | x >> (32 - n)) & 0xFFFFFFFF


def quarter(x, a, b, c, d):
    for n, (i, j, k) in ((16, (a, b, d)), (12, (c, d, b)), (8, (a, b, d)), (7, (c, d, b))):
        x[i] = (x[i] + x[j]) & 0xFFFFFFFF
        x[k] = rotate(x[k] ^ x[i], n)


def block(key, counter, stream):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<QQ", counter, stream)))
    x = start[:]
    for _ in range(6):
        for a in range(4):
            quarter(x, a, a + 4, a + 8, a + 12)
        for a in range(4):
            quarter(x, a, (a + 1) % 4 + 4, (a + 2) % 4 + 8, (a + 3) % 4 + 12)
    return [(a + b) & 0xFFFFFFFF for a, b in zip(x, start)]


key = hashlib.sha256(b"classes-h5").digest()
for stream in (0, 1 << 40 | 5):
    print(stream, [f"0x{word:08x}" for word in block(key, 0, stream)[:3]])
