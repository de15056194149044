"""What scripts/compare_with_pytorch.py --attention measures Vitrine's attention against: torch's scaled_dot_product_attention between the
projections, for `threads` sequences of T tokens on as many threads. Prints one JSON object: milliseconds of the fastest pass.

  torch_attention.py T D H THREADS SECONDS

`fused` is what torch takes by itself (its flash kernel for the processor), `dense` its plain products with a softmax between them.
"""
import json, sys, time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

T, D, H, threads = map(int, sys.argv[1:5])
seconds = float(sys.argv[5])
torch.set_num_threads(threads)
torch.manual_seed(1)
# As a projection leaves them: [B,T,H,d], seen as [B,H,T,d].
q, k, v = (torch.randn(threads, T, H, D // H, requires_grad=True) for _ in range(3))
dO = torch.randn(threads, H, T, D // H)


def forward():
    return F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)))


def both():
    for x in (q, k, v):
        x.grad = None
    forward().backward(dO)


def fastest(f):
    f()
    end, least = time.perf_counter() + seconds, float('inf')
    while True:
        begin = time.perf_counter()
        f()
        now = time.perf_counter()
        least = min(least, now - begin)
        if now > end:
            return 1e3 * least


def measured():
    with torch.no_grad():
        alone = fastest(forward)
    return dict(forward=alone, both=fastest(both))


with sdpa_kernel(SDPBackend.MATH):
    dense = measured()
print(json.dumps(dict(fused=measured(), dense=dense)))
