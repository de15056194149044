#!/usr/bin/env python3
"""Writes tests/golden/measures.safetensors: random attention maps and what the measures of src/inspect say of them, written down once more
from the papers' formulas with NumPy, whole arrays at a time. Needs numpy and safetensors; the tests do not."""
import itertools
import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

rng = np.random.default_rng(11)
L, H, D = 2, 3, 12
SPECIAL, CLS, SEP = 4, 2, 3
out = {}


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def maps(n, causal=False, window=None, leading=(L, H)):
    i, j = np.indices((n, n))
    seen = ((j <= i) if causal else np.ones((n, n), bool)) & ((abs(i - j) <= window) if window is not None else True)
    return softmax(np.where(seen, 2 * rng.standard_normal((*leading, n, n)), -np.inf)), seen


def H_(p):
    return -(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)).sum(-1)


def mean_over(values, rows):
    return (values * rows).sum(-1) / rows.sum()


# What one head's map says, of three kinds of visibility.
for name, n, causal, window in [('full', 7, False, None), ('causal', 6, True, None), ('local', 9, False, 2)]:
    a, seen = maps(n, causal, window)
    keys = seen.sum(-1)
    i, j = np.indices((n, n))
    tokens = rng.integers(SPECIAL, SPECIAL + 4, n)
    tokens[0], tokens[-1] = CLS, SEP
    punctuation = (tokens == SPECIAL + 1)
    out[f'{name}.maps'], out[f'{name}.tokens'], out[f'{name}.punctuation'] = a, tokens.astype(np.int32), punctuation.astype(np.int32)
    several = keys > 1
    out[f'{name}.entropy'] = mean_over(H_(a) / np.log(np.where(several, keys, 2)), several)
    out[f'{name}.distance'] = (a * abs(i - j)).sum(-1).mean(-1)
    out[f'{name}.uniform_distance'] = np.array([((seen * abs(i - j)).sum(-1) / keys).mean()])
    equal = (tokens[:, None] == tokens[None, :]) & (i != j) & (tokens[:, None] >= SPECIAL)
    patterns = [i == j, j == i - 1, j == i + 1, equal, *(np.broadcast_to(k, (n, n)) for k in (tokens == CLS, tokens == SEP, punctuation))]
    for k, F in enumerate(patterns):
        F = F & seen
        rows = F.any(-1)
        out[f'{name}.pattern.{k}'] = (a * F).sum((-1, -2)) / a.sum(-1)[..., rows].sum(-1) if rows.any() else np.full((L, H), np.nan)
        out[f'{name}.chance.{k}'] = np.array([(F.sum(-1) / keys)[rows].mean() if rows.any() else np.nan])
    key = np.stack([a[..., seen[:, k], k].mean(-1) for k in range(n)], -1)  # [L,H,n]
    out[f'{name}.key_mass'] = key
    out[f'{name}.share_of_sinks'] = (key > max(.3, 3 / n)).mean((0, 1))
    out[f'{name}.confidence'] = a[..., :-1, :-1].max(-1).mean(-1)
    flat = a.reshape(L * H, n, n)
    m = (flat[:, None] + flat[None]) / 2
    out[f'{name}.divergence'] = ((flat[:, None] * np.log(np.where(flat[:, None] > 0, flat[:, None] / np.where(m > 0, m, 1), 1))).sum(-1)
                                 + (flat[None] * np.log(np.where(flat[None] > 0, flat[None] / np.where(m > 0, m, 1), 1))).sum(-1)).mean(-1) / 2
    A = a.mean(1)
    A = (A / A.sum(-1, keepdims=True) + np.eye(n)) / 2
    out[f'{name}.rollout'] = np.stack([np.linalg.multi_dot(A[l::-1]) if l else A[0] for l in range(L)])
    V, dO, W = (rng.standard_normal(shape) for shape in ((n, D), (n, D), (D, D)))
    heads = lambda x: x.reshape(n, H, D // H).swapaxes(0, 1)  # [H,n,d]
    da = np.stack([heads(dO) @ heads(V).swapaxes(-1, -2)] * L)
    out[f'{name}.V'], out[f'{name}.dO'], out[f'{name}.W_O'], out[f'{name}.weight_gradients'] = V, dO, W, da
    # dS by the Jacobian of softmax, one row at a time: diag(α) − α αᵀ.
    out[f'{name}.score_gradients'] = np.einsum('lhij,lhijk->lhik', da, a[..., None] * np.eye(n) - a[..., None] * a[..., None, :])
    R = np.eye(n)
    for l in range(L):
        R = (np.eye(n) + np.maximum(a[l] * da[l], 0).mean(0)) @ R
    out[f'{name}.relevance'] = R
    f = np.einsum('hjc,ohc->hjo', heads(V), W.reshape(D, H, D // H))
    out[f'{name}.value_weighted'] = np.linalg.norm(np.einsum('hij,hjo->ijo', a[1], f), axis=-1)
    out[f'{name}.value_weighted_of_head_2'] = np.linalg.norm(a[1, 2][..., None] * f[2][None], axis=-1)
    word = np.minimum(np.arange(n) * 2 // 3, n // 2)
    P = np.eye(word[-1] + 1)[word]  # [pieces, words]
    out[f'{name}.word_of'], out[f'{name}.words'] = word.astype(np.int32), (P / P.sum(0)).T @ a @ P

# Twice the same 4 tokens behind a [CLS].
T, first = 4, 1
a, _ = maps(first + 2 * T, leading=())
out['twice.map'] = a
out['twice.scores'] = np.array([np.diag(a, -T)[first:].mean(), np.diag(a, 1 - T)[first + 1:].mean(), a[2, 6], a[7, 3]])

a = softmax(rng.standard_normal((5, 12, 12)))
out['content.maps'] = a
out['content.share'] = np.array([abs(a - a.mean(0))[:, :10].sum() / (2 * 5 * 10)])

x, y = rng.integers(0, 5, 9).astype(float), rng.standard_normal(9)
pairs = list(itertools.combinations(range(9), 2))
untied = [sum(z[p] != z[q] for p, q in pairs) for z in (x, y)]
out['kendall.x'], out['kendall.y'] = x, y
out['kendall.tau'] = np.array([sum(np.sign(x[p] - x[q]) * np.sign(y[p] - y[q]) for p, q in pairs) / np.sqrt(untied[0] * untied[1])])
ranks = np.array(list(itertools.permutations(range(6))))  # all orders of 6 things against one: the null distribution itself
concordance = sum(np.sign(ranks[:, p] - ranks[:, q]) * np.sign(p - q) for p, q in itertools.combinations(range(6), 2)) / 15
out['kendall.null'] = np.array([concordance.std()])

cost = rng.random((5, 7))
best = min(itertools.permutations(range(7), 5), key=lambda p: cost[range(5), p].sum())
out['assignment.cost'], out['assignment.columns'] = cost, np.array(best, np.int32)

y, x = rng.random(20), 1 + rng.random(20)
r = y.sum() / x.sum()
out['ratio.y'], out['ratio.x'] = y, x
out['ratio.value'] = np.array([r, 1.96 * np.sqrt(20 / 19 * ((y - r * x) ** 2).sum()) / x.sum()])

path = pathlib.Path(__file__).parent.parent / 'tests/golden/measures.safetensors'
save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, path, {'settings': json.dumps({})})
print(path.stat().st_size, path)
