#!/usr/bin/env python3
"""Writes tests/golden/: what PyTorch computes, in float64, for every layer, objective, optimizer and schedule.

    python scripts/make_golden.py [OUT_DIR]          needs torch and safetensors (written with torch 2.15, safetensors 0.8)

The same call on the same machine writes the same bytes; other processors change last bits.
Each file's metadata says in JSON how to build what it tests; the tests read whatever files are
there. Sequences are computed one by one, without padding and without packing, so nothing here shares a mistake with the engine.

layer/*     x [N,D], offsets [B+1], parameters, dy → y, dx, gradient.<parameter>; from modules of torch.nn where there is one
model/*     parameters, tokens, offsets, targets → loss, losses, logits, embedding, hidden.<l>, attention.<l>.<b> [H,T,T], gradient.<parameter>;
            of several heads k: <k>.rows, <k>.classes, <k>.values → <k>.losses, <k>.logits
training/*  parameters, 20 batches, learning rates → losses, gradient norms, after.<parameter>; updates by torch.optim
schedules   learning rates by torch.optim.lr_scheduler
"""
import json, math, sys, zlib
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / 'tests/golden')


def seed(name):  # of a case by itself: a new case changes no other file
    torch.manual_seed(zlib.crc32(name.encode()))


def save(name, tensors, settings):
    path = OUT / f'{name}.safetensors'
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().contiguous() for k, v in tensors.items()}
    save_file(tensors, path, {'settings': json.dumps(settings)})
    size = path.stat().st_size
    assert size < 100_000, (name, size)
    print(f'{size:7d} {path.relative_to(OUT)}')


def ints(values):
    return torch.tensor(values, dtype=torch.int32)


def offsets_of(lengths):
    return ints([0, *torch.tensor(lengths).cumsum(0).tolist()])


def randomise(parameters):  # nothing trivial: γ ≠ 1, β ≠ 0, every bias counts
    for name, p in parameters.items():
        with torch.no_grad():
            is_gain = 'norm' in name and name.endswith('weight')
            p.copy_(1 + 0.3 * torch.randn_like(p) if is_gain else (0.3 if p.dim() > 1 else 0.2) * torch.randn_like(p))


# ---------------------------------------------------------------------------------------------------------------- the model

ACTIVATIONS = dict(gelu=F.gelu, gelu_tanh=lambda x: F.gelu(x, approximate='tanh'), relu=F.relu, silu=F.silu, swiglu=F.silu, geglu=F.gelu)
GATED = ('swiglu', 'geglu')
RELATIVE = ('rotary', 'alibi', 't5_bias', 'shaw', 'disentangled')
MODEL = dict(width=8, layers=2, heads=2, hidden=12, activation='gelu', norm=dict(kind='layer', place='pre', epsilon=1e-5), max_length=9,
             token_types=0, embedding_norm=False, position='learned', causal=False)
POOLED = dict(sequence_classification='classifier', multi_label_classification='labeller', regression='regressor')
OBJECTIVE = dict(kind='masked_lm', tied=True, transform=False, pooling='mean', pooler=False, label_smoothing=0.0, class_weights=[])


def parameter_shapes(m, heads, V):
    """`heads`: pairs of an objective and how many classes it has."""
    D, Fh = m['width'], m['hidden']
    shapes = {'embedding.token.weight': (V, D)}

    def norm(name):
        shapes[f'{name}.weight'] = (D,)
        if m['norm']['kind'] == 'layer':
            shapes[f'{name}.bias'] = (D,)

    def linear(name, out, fan_in):
        shapes[f'{name}.weight'], shapes[f'{name}.bias'] = (out, fan_in), (out,)

    if m['position'] == 'learned':
        shapes['embedding.position.weight'] = (m['max_length'], D)
    if m['token_types']:
        shapes['embedding.type.weight'] = (m['token_types'], D)
    if m['embedding_norm']:
        norm('embedding.norm')
    shared_position_shapes(m, shapes)
    for l in range(m['layers']):
        block_shapes(f'blocks.{l}', m, shapes, norm, linear)
    if m['norm']['place'] == 'pre':
        norm('final_norm')
    for o, C in heads:
        if o['kind'] in POOLED:
            name = POOLED[o['kind']]
            if o['pooler']:
                linear(pooler_of(name), D, D)
            linear(name, C, D)
        elif o['kind'] == 'token_classification':
            linear('tagger', C, D)
        else:
            if o['transform']:
                linear('head.transform', D, D)
                norm('head.norm')
            if not o['tied']:
                shapes['head.weight'] = (V, D)
            shapes['head.bias'] = (V,)
    return shapes


def pooler_of(head):
    return 'pooler' if head == 'classifier' else f'{head}.pooler'


def position_of(m):  # kind, settings
    return m['position'], {**dict(distance=16, values=False, buckets=32, max_distance=128, base=10000.0, width=m['width'] // m['heads']),
                           **m.get('position_settings', {})}


def shared_position_shapes(m, shapes):
    kind, o = position_of(m)
    if kind == 't5_bias':
        shapes['position.bias.weight'] = (o['buckets'], m['heads'])
    if kind == 'disentangled':
        shapes['position.relative.weight'] = (2 * o['distance'], m['width'])


def position_shapes(name, m, shapes):  # of one attention
    kind, o = position_of(m)
    if kind == 'shaw':
        for part in ('key', 'value') if o['values'] else ('key',):
            shapes[f'{name}.relative_{part}.weight'] = (2 * o['distance'] + 1, m['width'] // m['heads'])
    if kind == 'disentangled':
        D = m['width']
        shapes.update({f'{name}.position_key.weight': (D, D), f'{name}.position_query.weight': (D, D), f'{name}.position_query.bias': (D,)})


def block_shapes(name, m, shapes, norm, linear):
    D, Fh = m['width'], m['hidden']
    norm(f'{name}.attention_norm')
    for part in ('query', 'key', 'value', 'output'):
        linear(f'{name}.attention.{part}', D, D)
    position_shapes(f'{name}.attention', m, shapes)
    norm(f'{name}.feed_forward_norm')
    for part in ('gate', 'up') if m['activation'] in GATED else ('up',):
        linear(f'{name}.feed_forward.{part}', Fh, D)
    linear(f'{name}.feed_forward.down', D, Fh)


def linear(p, name, x):
    return F.linear(x, p[f'{name}.weight'], p[f'{name}.bias'])


def norm(p, name, x, m):
    D, epsilon = x.shape[-1], m['norm']['epsilon']
    if m['norm']['kind'] == 'rms':
        return F.rms_norm(x, (D,), p[f'{name}.weight'], epsilon)
    return F.layer_norm(x, (D,), p[f'{name}.weight'], p[f'{name}.bias'], epsilon)


def alibi_slopes(H):  # as the code of the paper makes them
    def of_power(n):
        start = 2 ** (-(2 ** -(math.log2(n) - 3)))
        return [start * start**i for i in range(n)]

    if math.log2(H).is_integer():
        return of_power(H)
    n = 2 ** math.floor(math.log2(H))
    return of_power(n) + alibi_slopes(2 * n)[0::2][: H - n]


def t5_bucket(r, buckets, max_distance):  # Mesh TensorFlow's _relative_position_bucket, bidirectional; r [T,T] is memory − query
    buckets //= 2
    behind, n, exact = (r > 0).long() * buckets, r.abs(), buckets // 2
    large = exact + (torch.log(n.clamp(min=1) / exact) / math.log(max_distance / exact) * (buckets - exact)).long()
    return behind + torch.where(n < exact, n, large.clamp(max=buckets - 1))


def rotate(x, o):  # [H,T,d]: pairs of neighbours as complex numbers (Su et al. 2021, §3.2)
    turned, kept = x[..., : o['width']], x[..., o['width']:]
    z = torch.view_as_complex(turned.reshape(*turned.shape[:-1], -1, 2).contiguous())
    angles = torch.arange(x.shape[1])[:, None] * o['base'] ** (-torch.arange(0, o['width'], 2) / o['width'])
    return torch.cat([torch.view_as_real(z * torch.polar(torch.ones_like(angles), angles)).flatten(-2), kept], -1)


def relative_attention(p, name, q, k, v, m):  # [H,T,d] each; outputs, weights
    kind, o = position_of(m)
    H, T, d = q.shape
    r = torch.arange(T)[None, :] - torch.arange(T)[:, None]  # j − i
    if kind == 'rotary':
        q, k = rotate(q, o), rotate(k, o)
    scores = q @ k.transpose(1, 2) / math.sqrt(d)
    if kind == 'alibi':
        scores = scores - torch.tensor(alibi_slopes(H))[:, None, None] * r.abs()
    if kind == 't5_bias':
        scores = scores + F.embedding(t5_bucket(r, o['buckets'], o['max_distance']), p['position.bias.weight']).permute(2, 0, 1)
    if kind == 'shaw':
        clipped = r.clamp(-o['distance'], o['distance']) + o['distance']
        scores = scores + torch.einsum('hid,ijd->hij', q, p[f'{name}.relative_key.weight'][clipped]) / math.sqrt(d)
    if kind == 'disentangled':
        n, heads = 2 * o['distance'], lambda x: x.view(-1, H, d).transpose(0, 1)
        table = p['position.relative.weight']
        key = heads(F.linear(table, p[f'{name}.position_key.weight']))
        query = heads(F.linear(table, p[f'{name}.position_query.weight'], p[f'{name}.position_query.bias']))
        delta = (-r + o['distance']).clamp(0, n - 1)  # δ(i, j)
        content_position = torch.einsum('hid,hijd->hij', q, key[:, delta])
        position_content = torch.einsum('hjd,hijd->hij', k, query[:, delta.T])
        scores = (q @ k.transpose(1, 2) + content_position + position_content) / math.sqrt(3 * d)
    if m['causal']:
        scores = scores.masked_fill(r > 0, -math.inf)
    weights = scores.softmax(-1)
    out = weights @ v
    if kind == 'shaw' and o['values']:
        out = out + torch.einsum('hij,ijd->hid', weights, p[f'{name}.relative_value.weight'][clipped])
    return out, weights


def attention(p, name, x, m):  # one sequence [T,D] → [T,D], weights [H,T,T]
    T, D = x.shape
    H = m['heads']
    q, k, v = (linear(p, f'{name}.{part}', x).view(T, H, D // H).transpose(0, 1) for part in ('query', 'key', 'value'))
    if m['position'] in RELATIVE:
        o, weights = relative_attention(p, name, q, k, v, m)
        return linear(p, f'{name}.output', o.transpose(0, 1).reshape(T, D)), weights
    o = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=m['causal'])[0]
    scores = q @ k.transpose(1, 2) / math.sqrt(D // H)
    if m['causal']:
        scores = scores.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), -math.inf)
    return linear(p, f'{name}.output', o.transpose(0, 1).reshape(T, D)), scores.softmax(-1)


def feed_forward(p, name, x, m):
    f = ACTIVATIONS[m['activation']]
    a = f(linear(p, f'{name}.gate', x)) * linear(p, f'{name}.up', x) if m['activation'] in GATED else f(linear(p, f'{name}.up', x))
    return linear(p, f'{name}.down', a)


def block(p, name, x, m):
    attend = lambda h: attention(p, f'{name}.attention', h, m)
    feed = lambda h: feed_forward(p, f'{name}.feed_forward', h, m)
    if m['norm']['place'] == 'pre':
        a, weights = attend(norm(p, f'{name}.attention_norm', x, m))
        u = x + a
        return u + feed(norm(p, f'{name}.feed_forward_norm', u, m)), weights
    a, weights = attend(x)
    u = norm(p, f'{name}.attention_norm', x + a, m)
    return norm(p, f'{name}.feed_forward_norm', u + feed(u), m), weights


def sinusoids(T, D):
    table = torch.zeros(T, D)
    angle = torch.arange(T)[:, None] / 10000.0 ** (torch.arange(0, D, 2) / D)
    table[:, 0::2] = angle.sin()
    table[:, 1::2] = angle.cos()[:, : D // 2]
    return table


def encode(p, m, tokens, types):  # one sequence; returns embedding, hidden after each block, weights of each block, output
    T = len(tokens)
    x = F.embedding(tokens, p['embedding.token.weight'])
    if m['position'] == 'learned':
        x = x + p['embedding.position.weight'][:T]
    if m['position'] == 'sinusoidal':
        x = x + sinusoids(T, m['width'])
    if m['token_types']:
        x = x + F.embedding(types, p['embedding.type.weight'])
    if m['embedding_norm']:
        x = norm(p, 'embedding.norm', x, m)
    embedded, hidden, weights = x, [], []
    for l in range(m['layers']):
        x, w = block(p, f'blocks.{l}', x, m)
        hidden.append(x)
        weights.append(w)
    return embedded, hidden, weights, norm(p, 'final_norm', x, m) if m['norm']['place'] == 'pre' else x


def score(p, m, o, h, at, targets):
    """Logits of one head, the loss of each target and that of all; `targets` {rows [M]?, classes, values?}. A negative class has no loss."""
    classes = targets['classes'].long()
    if o['kind'] in POOLED:
        name = POOLED[o['kind']]
        c = torch.stack([h[a:b].mean(0) if o['pooling'] == 'mean' else h[a] for a, b in zip(at, at[1:])])
        if o['pooler']:
            c = torch.tanh(linear(p, pooler_of(name), c))
        logits = linear(p, name, c)
    elif o['kind'] == 'token_classification':
        logits = linear(p, 'tagger', h[targets['rows'].long()])
    else:
        g = h[targets['rows'].long()]
        if o['transform']:
            g = norm(p, 'head.norm', F.gelu(linear(p, 'head.transform', g)), m)
        logits = F.linear(g, p['embedding.token.weight' if o['tied'] else 'head.weight'], p['head.bias'])
    if 'values' in targets:
        of = F.mse_loss if o['kind'] == 'regression' else F.binary_cross_entropy_with_logits
        known = classes >= 0
        losses = of(logits, targets['values'].view_as(logits), reduction='none').mean(1) * known
        return dict(loss=losses.sum() / known.sum(), losses=losses, logits=logits)
    how = dict(weight=torch.tensor(o['class_weights']) if o['class_weights'] else None, label_smoothing=o['label_smoothing'],
               ignore_index=-1)
    return dict(loss=F.cross_entropy(logits, classes, **how), losses=F.cross_entropy(logits, classes, reduction='none', **how),
                logits=logits)


def run_encoder(p, m, batch):
    """Output [N,D] for a batch {tokens [N], offsets [B+1], types [N]?}, and all that led to it."""
    at = batch['offsets'].tolist()
    parts = [encode(p, m, batch['tokens'].long()[a:b], batch['types'].long()[a:b] if 'types' in batch else None)
             for a, b in zip(at, at[1:])]
    return torch.cat([out for *_, out in parts]), at, dict(
        embedding=torch.cat([e for e, *_ in parts]),
        **{f'hidden.{l}': torch.cat([hidden[l] for _, hidden, *_ in parts]) for l in range(m['layers'])},
        **{f'attention.{l}.{b}': w[l] for b, (_, _, w, _) in enumerate(parts) for l in range(m['layers'])})


def forward(p, m, o, batch):
    h, at, activations = run_encoder(p, m, batch)
    return dict(score(p, m, o, h, at, batch), **activations)


def make_batch(m, o, V, C, lengths, unknown=()):
    """`unknown`: targets that are not known (−1)."""
    N = sum(lengths)
    batch = dict(tokens=torch.randint(V, (N,), dtype=torch.int32), offsets=offsets_of(lengths))
    if m['token_types']:
        batch['types'] = torch.randint(m['token_types'], (N,), dtype=torch.int32)
    batch.update(make_targets(o, V, C, lengths, batch, unknown))
    return batch


def make_targets(o, V, C, lengths, batch, unknown=()):
    targets, starts, B = {}, batch['offsets'].tolist(), len(lengths)
    if o['kind'] in POOLED:
        several = dict(multi_label_classification=lambda: torch.randint(2, (B, C)).double(), regression=lambda: torch.randn(B))
        if o['kind'] in several:
            targets['values'] = several[o['kind']]()
            targets['classes'] = torch.zeros(B, dtype=torch.int32)
        else:
            targets['classes'] = torch.randint(C, (B,), dtype=torch.int32)
    elif o['kind'] == 'causal_lm':
        rows = [i for a, b in zip(starts, starts[1:]) for i in range(a, b - 1)]
        targets['rows'], targets['classes'] = ints(rows), batch['tokens'][[i + 1 for i in rows]]
    else:
        classes = C if o['kind'] == 'token_classification' else V
        rows = sorted(a + int(i) for a, T in zip(starts, lengths) for i in torch.randperm(T)[: max(1, T // 3)])
        targets['rows'], targets['classes'] = ints(rows), torch.randint(classes, (len(rows),), dtype=torch.int32)
    for i in unknown:
        targets['classes'][i] = -1
    return targets


def make_parameters(m, heads, V):
    p = {name: torch.empty(shape, requires_grad=True) for name, shape in parameter_shapes(m, heads, V).items()}
    randomise(p)
    return p


def settings_of(m, o, V, C, **more):
    return dict(model=m, objective=o, vocabulary=V, classes=C, **more)


def model_case(name, model={}, objective={}, V=11, C=5, lengths=(5, 1, 9, 4), unknown=()):
    seed(f'model/{name}')
    m, o = {**MODEL, **model}, {**OBJECTIVE, **objective}
    C = 1 if o['kind'] == 'regression' else V if o['kind'].endswith('_lm') else C
    p = make_parameters(m, [(o, C)], V)
    batch = make_batch(m, o, V, C, lengths, unknown)
    result = forward(p, m, o, batch)
    result['loss'].backward()
    save(f'model/{name}', dict(**p, **batch, **{k: v.reshape(1) if v.dim() == 0 else v for k, v in result.items()},
                               **{f'gradient.{k}': v.grad for k, v in p.items()}), settings_of(m, o, V, C))


def several_heads_case(name, objectives, classes, model={}, V=11, lengths=(5, 1, 9, 4)):
    seed(f'model/{name}')
    m, all_of = {**MODEL, **model}, [{**OBJECTIVE, **o} for o in objectives]
    p = make_parameters(m, list(zip(all_of, classes)), V)
    batch = dict(tokens=torch.randint(V, (sum(lengths),), dtype=torch.int32), offsets=offsets_of(lengths))
    h, at, result = run_encoder(p, m, batch)
    loss, targets = 0, {}
    for k, (o, C) in enumerate(zip(all_of, classes)):
        of_head = make_targets(o, V, C, lengths, batch, unknown=(1,))
        targets.update({f'{k}.{what}': v for what, v in of_head.items()})
        scores = score(p, m, o, h, at, of_head)
        loss = loss + o['weight'] * scores.pop('loss')
        result.update({f'{k}.{what}': v for what, v in scores.items()})
    loss.backward()
    save(f'model/{name}', dict(**p, **batch, **targets, **result, loss=loss.reshape(1), **{f'gradient.{n}': v.grad for n, v in p.items()}),
         dict(model=m, objectives=all_of, vocabulary=V, classes=classes))


RMS = dict(kind='rms', place='pre', epsilon=1e-6)
POST = dict(kind='layer', place='post', epsilon=1e-12)


def model_cases():
    model_case('masked_lm_tied')
    model_case('masked_lm_untied', dict(heads=1, activation='gelu_tanh'), dict(tied=False))
    model_case('masked_lm_bert', dict(width=6, heads=3, hidden=10, norm=POST, token_types=2, embedding_norm=True), dict(transform=True))
    model_case('masked_lm_transform_untied', dict(norm=RMS, embedding_norm=True), dict(transform=True, tied=False))
    model_case('masked_lm_post_rms_geglu', dict(norm=dict(RMS, place='post'), activation='geglu', hidden=7, position='none'))
    model_case('causal_lm_tied', dict(causal=True, position='sinusoidal'), dict(kind='causal_lm'))
    model_case('causal_lm_untied', dict(causal=True, activation='relu', width=12, heads=3, layers=1), dict(kind='causal_lm', tied=False))
    model_case('causal_lm_rms_swiglu', dict(causal=True, norm=RMS, activation='swiglu', position='none'), dict(kind='causal_lm'))
    classify = dict(kind='sequence_classification')
    model_case('classify_mean', dict(activation='silu'), classify)
    model_case('classify_mean_smoothing', dict(position='none'), dict(classify, label_smoothing=0.1))
    model_case('classify_cls_pooler', dict(norm=POST, token_types=2, embedding_norm=True), dict(classify, pooling='cls', pooler=True))
    model_case('classify_cls_weights', dict(width=6, heads=2), dict(classify, pooling='cls', class_weights=[0.5, 2.0, 1.0, 0.25, 3.0]),
               lengths=(3, 7, 1, 2, 6, 5))
    model_case('classify_weights_smoothing_unknown', dict(causal=True), dict(classify, class_weights=[1.5, 0.5, 2.0], label_smoothing=0.2),
               C=3, lengths=(4, 2, 9, 1, 6), unknown=(2,))
    tags = dict(kind='token_classification')
    model_case('tags', dict(activation='geglu'), tags, lengths=(7, 1, 9, 4))
    model_case('tags_weights_smoothing_unknown', dict(norm=POST, position='sinusoidal'),
               dict(tags, class_weights=[2.0, 0.5, 1.0], label_smoothing=0.1), C=3, lengths=(8, 3, 9), unknown=(0, 4))
    model_case('multi_label_mean', dict(activation='relu'), dict(kind='multi_label_classification'), C=4)
    model_case('multi_label_cls_pooler_unknown', dict(norm=RMS), dict(kind='multi_label_classification', pooling='cls', pooler=True), C=3,
               lengths=(4, 2, 9, 1, 6), unknown=(3,))
    model_case('regression_mean', {}, dict(kind='regression'), lengths=(3, 9, 1, 2, 6, 5))
    model_case('regression_cls_pooler_unknown', dict(causal=False, width=6), dict(kind='regression', pooling='cls', pooler=True), unknown=(0,))
    for name in ('rotary', 'alibi', 't5_bias', 'shaw_values', 'disentangled'):
        model_case(f'position_{name}', POSITIONS[name], {}, V=7)
    several_heads_case('several_heads', [dict(classify, weight=0.5), dict(tags, weight=2.0, label_smoothing=0.1), dict(kind='regression', weight=0.3)],
                       [4, 3, 1])
    several_heads_case('several_heads_language', [dict(kind='masked_lm', weight=1.5), dict(kind='multi_label_classification', pooler=True, weight=0.7)],
                       [11, 5], dict(norm=POST))


# ----------------------------------------------------------------------------------------------------------------- layers


def by_sequence(f, x, lengths):
    return torch.cat([f(part) for part in x.split(list(lengths))])


def layer_case(name, f, parameters, settings, D_in, lengths=(5, 1, 9, 2), whole=False, state={}):
    """f maps one sequence [T,D]; `parameters` by Vitrine's names; `state` has no gradient."""
    x = torch.randn(sum(lengths), D_in, requires_grad=True)
    y = by_sequence(f, x, lengths)
    dy = torch.randn_like(y)
    y.backward(dy)
    save(f'layer/{name}', dict(x=x, dy=dy, y=y, dx=x.grad, offsets=offsets_of(lengths), **parameters, **state,
                               **{f'gradient.{k}': v.grad for k, v in parameters.items()}), settings)


def parameters_of(**modules):
    return {f'{name}.{k}': v for name, module in modules.items() for k, v in module.named_parameters()}


def norm_linear_cases():
    for name, module, settings in (
        ('layer_norm', nn.LayerNorm(7, eps=1e-5), dict(kind='layer', epsilon=1e-5)),
        ('layer_norm_large_epsilon', nn.LayerNorm(6, eps=0.1), dict(kind='layer', epsilon=0.1)),
        ('rms_norm', nn.RMSNorm(7, eps=1e-6), dict(kind='rms', epsilon=1e-6)),
    ):
        seed(f'layer/{name}')
        p = parameters_of(norm=module)
        randomise(p)
        layer_case(name, module, p, dict(layer='norm', width=len(module.weight), norm=dict(settings, place='pre')), len(module.weight))
    seed('layer/linear')
    module = nn.Linear(5, 9)
    p = parameters_of(linear=module)
    randomise(p)
    layer_case('linear', module, p, dict(layer='linear', width=5, out=9), 5)


def sub_model(m, prefix):  # the parameters of one part of a block, random
    shapes = {}

    def norm(name):
        shapes[f'{name}.weight'] = (m['width'],)
        if m['norm']['kind'] == 'layer':
            shapes[f'{name}.bias'] = (m['width'],)

    def linear(name, out, fan_in):
        shapes[f'{name}.weight'], shapes[f'{name}.bias'] = (out, fan_in), (out,)

    block_shapes('block', m, shapes, norm, linear)
    shared_position_shapes(m, shapes)
    p = {k: torch.empty(v, requires_grad=True) for k, v in shapes.items() if k.startswith((prefix, 'position.'))}
    randomise(p)
    return p


def feed_forward_cases():
    for activation in ACTIVATIONS:
        seed(f'layer/feed_forward_{activation}')
        m = {**MODEL, 'width': 6, 'hidden': 7, 'activation': activation}
        p = sub_model(m, 'block.feed_forward.')
        layer_case(f'feed_forward_{activation}', lambda x: feed_forward(p, 'block.feed_forward', x, m), p, dict(layer='feed_forward', **m), 6)


def torch_attention(p, m):  # nn.MultiheadAttention with these parameters
    module = nn.MultiheadAttention(m['width'], m['heads'], batch_first=True)
    stacked = lambda kind: torch.cat([p[f'block.attention.{part}.{kind}'] for part in ('query', 'key', 'value')])

    def f(x):
        mask = torch.ones(len(x), len(x), dtype=torch.bool).triu(1) if m['causal'] else None
        y, _ = torch.func.functional_call(
            module,
            {'in_proj_weight': stacked('weight'), 'in_proj_bias': stacked('bias'), 'out_proj.weight': p['block.attention.output.weight'],
             'out_proj.bias': p['block.attention.output.bias']},
            (x[None], x[None], x[None]), dict(attn_mask=mask, need_weights=False))
        return y[0]

    return f


def attention_cases():
    for causal in (False, True):
        for D, H in ((8, 2), (6, 1), (12, 4)):
            name = f'attention_{"causal" if causal else "full"}_{D}_{H}'
            seed(f'layer/{name}')
            m = {**MODEL, 'width': D, 'heads': H, 'causal': causal}
            p = sub_model(m, 'block.attention.')
            layer_case(name, torch_attention(p, m), p, dict(layer='attention', **m), D)


def by_heads(p, m, x):  # q, k, v [H,T,d] of one sequence
    H = m['heads']
    return (linear(p, f'block.attention.{part}', x).view(len(x), H, -1).transpose(0, 1) for part in ('query', 'key', 'value'))


def from_heads(p, o):  # [H,T,d] through the output projection
    return linear(p, 'block.attention.output', o.transpose(0, 1).reshape(o.shape[1], -1))


def kernel_attention(fq, fk, v, causal, epsilon):  # P_ij = φq_i·φk_j / (Σ_j + ε), in the quadratic form
    w = fq @ fk.transpose(1, 2)
    w = w.tril() if causal else w
    return (w / (w.sum(-1, keepdim=True) + epsilon)) @ v


def linear_attention(p, m):  # Katharopoulos et al. 2020
    def f(x):
        q, k, v = by_heads(p, m, x)
        return from_heads(p, kernel_attention(F.elu(q) + 1, F.elu(k) + 1, v, m['causal'], 1e-6))

    return f


def visible(T, causal, kind='full', window=1, block=16, stride=0, **more):
    """[T,T]: may query i see key j? The keys are those of model.attention."""
    i, j = torch.arange(T)[:, None], torch.arange(T)[None]
    seen = torch.ones(T, T, dtype=torch.bool)
    if kind == 'local':
        seen = (i - j).abs() <= window
    if kind == 'block_sparse':
        apart, g = i // block - j // block, more.get('global', 0)
        seen = (apart.abs() <= window) | (i < g) | (j < g)
        if stride:
            seen |= apart % stride == 0
    return seen & (j <= i) if causal else seen


def masked_attention(p, m):
    def f(x):
        T, D = x.shape
        q, k, v = (linear(p, f'block.attention.{part}', x).view(1, T, m['heads'], -1).transpose(1, 2) for part in ('query', 'key', 'value'))
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=visible(T, m['causal'], **m['attention']))
        return linear(p, 'block.attention.output', o.transpose(1, 2).reshape(T, D))

    return f


def linear_attention_cases():
    for causal, D, H in ((False, 8, 2), (True, 12, 3)):
        name = f'attention_linear{"_causal" if causal else ""}_{D}_{H}'
        seed(f'layer/{name}')
        m = {**MODEL, 'width': D, 'heads': H, 'causal': causal, 'attention': dict(kind='linear')}
        p = sub_model(m, 'block.attention.')
        layer_case(name, linear_attention(p, m), p, dict(layer='attention', **m), D, lengths=(5, 1, 70, 2))


def top_k_weights(scores, k):  # the k largest of each row, of equal ones the first
    first = scores.sort(dim=-1, descending=True, stable=True).indices[..., :k]
    return scores.masked_fill(~torch.zeros_like(scores, dtype=torch.bool).scatter(-1, first, True), -math.inf).softmax(-1)


def entmax_weights(scores, alpha):
    """[(α − 1) s − τ]₊^(1/(α − 1)): which scores are kept is found by bisection without a gradient, τ on them by Newton's method with one."""
    z = (alpha - 1) * scores
    p = lambda tau: (z - tau).clamp(min=0) ** (1 / (alpha - 1))
    with torch.no_grad():
        high = z.amax(-1, keepdim=True)
        low = high - 1
        for _ in range(100):
            tau = (low + high) / 2
            inside = p(tau).sum(-1, keepdim=True) >= 1
            low, high = torch.where(inside, tau, low), torch.where(inside, high, tau)
    for _ in range(2):  # at a root, one step has the derivative of the root itself
        tau = tau.detach()
        kept = (z > tau).double()
        base = torch.where(kept > 0, z - tau, torch.ones_like(z))
        weights, slope = kept * base ** (1 / (alpha - 1)), kept * base ** (1 / (alpha - 1) - 1) / (alpha - 1)
        tau = tau + (weights.sum(-1, keepdim=True) - 1) / slope.sum(-1, keepdim=True).detach()
    return kept * torch.where(kept > 0, z - tau, torch.ones_like(z)) ** (1 / (alpha - 1))


def selective_attention(p, m):
    a = m['attention']

    def f(x):
        T, D = x.shape
        q, k, v = (linear(p, f'block.attention.{part}', x).view(T, m['heads'], -1).transpose(0, 1) for part in ('query', 'key', 'value'))
        scores = (q @ k.transpose(1, 2) / math.sqrt(D // m['heads'])).masked_fill(~visible(T, m['causal']), -1e9)
        if a['kind'] == 'adaptive_span':
            z = p['block.attention.span.weight'].clamp(0, a['max_span'])[:, None, None]
            apart = (torch.arange(T)[:, None] - torch.arange(T)[None]).abs()
            weights = ((a['ramp'] + z - apart) / a['ramp']).clamp(0, 1) * (scores - scores.amax(-1, keepdim=True)).exp()
            weights = weights / weights.sum(-1, keepdim=True)
        elif a['kind'] == 'top_k':
            weights = top_k_weights(scores, a['k'])
        else:
            learned = 'block.attention.alpha.weight'
            weights = entmax_weights(scores, 1 + p[learned].sigmoid()[:, None, None] if learned in p else a['alpha'])
        return linear(p, 'block.attention.output', (weights @ v).transpose(0, 1).reshape(T, D))

    return f


def selective_attention_cases():
    for kind, keys in (('top_k', dict(k=3)), ('entmax', dict(alpha=1.5)), ('entmax', dict(alpha=2.0)), ('entmax', dict(alpha=1.3)),
                       ('entmax', dict(alpha=0.0)), ('adaptive_span', dict(max_span=7, ramp=2.5))):
        for causal in (False, True):
            name = f'attention_{kind}{keys.get("alpha", "")}{"_causal" if causal else ""}'.replace('0.0', '_learned')
            seed(f'layer/{name}')
            m = {**MODEL, 'causal': causal, 'attention': dict(kind=kind, **keys)}
            p = sub_model(m, 'block.attention.')
            if keys.get('alpha') == 0:
                p['block.attention.alpha.weight'] = torch.randn(m['heads'], requires_grad=True)
            if kind == 'adaptive_span':
                p['block.attention.span.weight'] = torch.tensor([1.3, 3.7], requires_grad=True)
            layer_case(name, selective_attention(p, m), p, dict(layer='attention', **m), m['width'])


def sparse_attention_cases():
    for kind, keys in (('local', dict(window=2)), ('block_sparse', {'block': 2, 'window': 1, 'global': 1}),
                       ('block_sparse', {'block': 1, 'window': 1, 'global': 0, 'stride': 3})):
        for causal in (False, True):
            name = f'attention_{kind}{"_strided" if "stride" in keys else ""}{"_causal" if causal else ""}'
            seed(f'layer/{name}')
            m = {**MODEL, 'causal': causal, 'attention': dict(kind=kind, **keys)}
            p = sub_model(m, 'block.attention.')
            layer_case(name, masked_attention(p, m), p, dict(layer='attention', **m), m['width'])


POSITIONS = dict(
    rotary=dict(position='rotary'), rotary_part=dict(position='rotary', position_settings=dict(base=100.0, width=2), causal=True),
    alibi=dict(position='alibi', width=12, heads=3), alibi_causal=dict(position='alibi', causal=True),
    t5_bias=dict(position='t5_bias'), t5_bias_few=dict(position='t5_bias', position_settings=dict(buckets=8, max_distance=5), causal=True),
    shaw=dict(position='shaw', position_settings=dict(distance=3)),
    shaw_values=dict(position='shaw', position_settings=dict(distance=2, values=True), causal=True),
    shaw_values_wide=dict(position='shaw', position_settings=dict(distance=16, values=True)),
    disentangled=dict(position='disentangled', position_settings=dict(distance=4)),
    disentangled_causal=dict(position='disentangled', position_settings=dict(distance=1), causal=True))


def position_cases():
    for name, how in POSITIONS.items():
        seed(f'layer/position_{name}')
        m = {**MODEL, **how}
        p = sub_model(m, 'block.attention.')
        layer_case(f'position_{name}', lambda x: attention(p, 'block.attention', x, m)[0], p, dict(layer='attention', **m), m['width'])


def performer_attention(p, m, features):  # Choromanski et al. 2021, features [H,m,d] given
    def f(x):
        q, k, v = by_heads(p, m, x)
        d = q.shape[-1]
        phi = lambda u: torch.exp(u @ features.transpose(1, 2) - u.pow(2).sum(-1, keepdim=True) / 2) / math.sqrt(features.shape[1])
        return from_heads(p, kernel_attention(phi(q / d**0.25), phi(k / d**0.25), v, m['causal'], 0))

    return f


def performer_attention_cases():
    for causal, D, H, M in ((False, 8, 2, 5), (True, 12, 3, 16)):
        name = f'attention_performer{"_causal" if causal else ""}_{D}_{H}'
        seed(f'layer/{name}')
        m = {**MODEL, 'width': D, 'heads': H, 'causal': causal, 'attention': dict(kind='performer', features=M)}
        p = sub_model(m, 'block.attention.')
        features = torch.randn(H, M, D // H)
        layer_case(name, performer_attention(p, m, features), p, dict(layer='attention', **m), D, lengths=(5, 1, 70, 2),
                   state={'block.attention.features': features})


def routing_attention(p, m, centroids):  # Roy et al. 2021, centroids [H,c,d] given; layer norm without parameters
    def f(x):
        q, k, v = by_heads(p, m, x)
        T, d, c = len(x), q.shape[-1], centroids.shape[1]
        q = F.layer_norm(q, (d,))
        k = q if m['causal'] else F.layer_norm(k, (d,))
        o = []
        for h in range(m['heads']):
            total, count = torch.zeros(T, d), torch.zeros(T, 1)
            for mean in centroids[h]:
                I, J = ((u[h] - mean).pow(2).sum(-1).sort(stable=True).indices[: -(-T // c)].sort().values for u in (q, k))
                s = q[h][I] @ k[h][J].T / math.sqrt(d)
                if m['causal']:
                    s = s.masked_fill(J[None, :] > I[:, None], -math.inf)
                total = total.index_add(0, I, s.softmax(-1) @ v[h][J])
                count[I] += 1
            o.append(total / count.clamp(min=1))
        return from_heads(p, torch.stack(o))

    return f


def routing_attention_cases():
    for causal, D, H, C in ((False, 8, 2, 3), (True, 12, 3, 4)):
        name = f'attention_routing{"_causal" if causal else ""}_{D}_{H}'
        seed(f'layer/{name}')
        m = {**MODEL, 'width': D, 'heads': H, 'causal': causal, 'attention': dict(kind='routing', clusters=C)}
        p = sub_model(m, 'block.attention.')
        if causal:  # not used, and so without a gradient of its own
            for kind in ('weight', 'bias'):
                p[f'block.attention.key.{kind}'].grad = torch.zeros_like(p[f'block.attention.key.{kind}'])
        centroids = torch.randn(H, C, D // H)
        layer_case(name, routing_attention(p, m, centroids), p, dict(layer='attention', **m), D, lengths=(5, 1, 40, 2),
                   state={'block.attention.centroids': centroids})


def torch_block(p, m):  # nn.TransformerEncoderLayer with these parameters
    module = nn.TransformerEncoderLayer(m['width'], m['heads'], m['hidden'], 0.0, m['activation'], m['norm']['epsilon'], batch_first=True,
                                        norm_first=m['norm']['place'] == 'pre')
    stacked = lambda kind: torch.cat([p[f'block.attention.{part}.{kind}'] for part in ('query', 'key', 'value')])
    names = {'self_attn.out_proj': 'attention.output', 'linear1': 'feed_forward.up', 'linear2': 'feed_forward.down',
             'norm1': 'attention_norm', 'norm2': 'feed_forward_norm'}
    weights = {f'{theirs}.{kind}': p[f'block.{ours}.{kind}'] for theirs, ours in names.items() for kind in ('weight', 'bias')}

    def f(x):
        mask = torch.ones(len(x), len(x), dtype=torch.bool).triu(1) if m['causal'] else None
        all_weights = {**weights, 'self_attn.in_proj_weight': stacked('weight'), 'self_attn.in_proj_bias': stacked('bias')}
        return torch.func.functional_call(module, all_weights, (x[None],), dict(src_mask=mask))[0]

    return f


def block_cases():
    for name, m, f in (
        ('block_pre', {}, torch_block),
        ('block_post', dict(norm=POST, activation='relu', causal=True), torch_block),
        ('block_pre_rms_swiglu', dict(norm=RMS, activation='swiglu', causal=True), None),
        ('block_post_rms_geglu', dict(norm=dict(RMS, place='post'), activation='geglu'), None),
    ):
        seed(f'layer/{name}')
        m = {**MODEL, **m}
        p = sub_model(m, 'block.')
        layer_case(name, f(p, m) if f else lambda x: block(p, 'block', x, m)[0], p, dict(layer='block', **m), m['width'])


# ---------------------------------------------------------------------------------------------------- training and schedules


def training_case(name, optimizer, clip=0.0, model={}, objective={}, V=11, C=5, steps=20, rate=0.02):
    seed(f'training/{name}')
    m, o = {**MODEL, **model}, {**OBJECTIVE, **objective}
    C = C if o['kind'] == 'sequence_classification' else V
    p = make_parameters(m, [(o, C)], V)
    before = {k: v.detach().clone() for k, v in p.items()}
    groups = [dict(params=[v for v in p.values() if v.dim() > 1], weight_decay=optimizer['weight_decay']),
              dict(params=[v for v in p.values() if v.dim() == 1], weight_decay=0.0)]
    if optimizer['kind'] == 'sgd':
        updates = torch.optim.SGD(groups, lr=rate, momentum=optimizer['momentum'])
    else:
        kind = dict(adamw=torch.optim.AdamW, adam=torch.optim.Adam)[optimizer['kind']]
        updates = kind(groups, lr=rate, betas=tuple(optimizer['betas']), eps=optimizer['epsilon'])
    batches, losses, norms, rates = {}, [], [], []
    for step in range(1, steps + 1):
        batch = make_batch(m, o, V, C, [(5, 2, 9), (3, 8, 1, 4), (7, 6)][step % 3])
        batches.update({f'{step}.{k}': v for k, v in batch.items()})
        rates.append(rate * (1 - 0.4 * step / steps))
        for group in updates.param_groups:
            group['lr'] = rates[-1]
        updates.zero_grad()
        loss = forward(p, m, o, batch)['loss']
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(p.values(), clip or math.inf))
        updates.step()
        losses.append(loss.detach())
    assert not clip or min(norms) < clip < max(norms), (name, min(norms), max(norms))  # clips some steps and not others
    save(f'training/{name}', dict(**before, **batches, **{f'after.{k}': v for k, v in p.items()}, learning_rates=torch.tensor(rates),
                                  losses=torch.stack(losses), gradient_norms=torch.stack(norms)),
         settings_of(m, o, V, C, optimizer=optimizer, clip=clip, steps=steps))


def training_cases():
    adam = dict(betas=[0.9, 0.98], epsilon=1e-8, weight_decay=0.1)
    training_case('adamw_masked_lm', dict(adam, kind='adamw'), clip=2.0)
    training_case('adamw_bert', dict(adam, kind='adamw', betas=[0.8, 0.999], epsilon=1e-6), model=dict(norm=POST, embedding_norm=True, token_types=2),
                  objective=dict(transform=True))
    training_case('adam_causal_lm', dict(adam, kind='adam'), clip=1.5, model=dict(causal=True, norm=RMS, activation='swiglu'),
                  objective=dict(kind='causal_lm', tied=False))
    training_case('sgd_classify', dict(kind='sgd', momentum=0.9, weight_decay=0.05), clip=2.0,
                  objective=dict(kind='sequence_classification', label_smoothing=0.1))


def annealed(scheduler, peak, n, **options):  # the scheduler's rates after 0 … n of its own steps
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    schedule = scheduler(optimizer, **options)
    rates = [schedule.get_last_lr()[0]]
    for _ in range(n):
        optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    return rates


def schedules():
    from torch.optim import lr_scheduler as S
    tensors, cases = {}, []
    peak, steps = 3e-3, 50
    for kind in ('constant', 'linear', 'cosine', 'inverse_sqrt'):
        for warmup, final in ((0, 0.0), (8, 0.0), (1, 0.1), (8, 0.25)):
            n = steps - warmup
            rates = dict(
                constant=lambda: annealed(S.ConstantLR, peak, n, factor=1.0),
                linear=lambda: annealed(S.LinearLR, peak, n, start_factor=1.0, end_factor=final, total_iters=n),
                cosine=lambda: annealed(S.CosineAnnealingLR, peak, n, T_max=n, eta_min=final * peak),
                inverse_sqrt=lambda: annealed(S.LambdaLR, peak, n, lr_lambda=lambda s: (max(warmup, 1) / max(warmup + s, 1)) ** 0.5),
            )[kind]()
            up = annealed(S.LinearLR, peak, warmup - 1, start_factor=1 / warmup, end_factor=1.0, total_iters=warmup - 1)[:warmup] if warmup > 1 else [peak] * warmup
            name = f'{kind}.{warmup}.{final}'
            tensors[name] = torch.tensor(up + rates[1:])
            assert len(tensors[name]) == steps
            cases.append(dict(name=name, kind=kind, warmup_steps=warmup, final_ratio=final))
    save('schedules', tensors, dict(learning_rate=peak, steps=steps, cases=cases))


norm_linear_cases()
feed_forward_cases()
attention_cases()
linear_attention_cases()
performer_attention_cases()
routing_attention_cases()
sparse_attention_cases()
selective_attention_cases()
position_cases()
block_cases()
model_cases()
training_cases()
schedules()
print(f'{sum(f.stat().st_size for f in OUT.rglob("*.safetensors")):7d} in all')
