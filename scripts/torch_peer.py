"""The training loop that scripts/compare_with_pytorch.py measures Vitrine against: the same model on the same work, written as one
would write it well in PyTorch. Reads a resolved configuration (`vitrine config show`), times steps, prints one JSON object.

Pre-norm encoder; one product for query, key and value; scaled_dot_product_attention; the language model's head sees the predicted
positions only and shares its weight with the embedding; fused AdamW; clipping. Random tokens have one length; of real data the lengths
are those of its lines, in batches padded to their longest sequence, with the padding masked.
    torch_peer.py RESOLVED THREADS SECONDS [cpu | cuda]
    torch_peer.py RESOLVED THREADS 0 count       how many operators a step dispatches that compute something
"""
import gzip, json, random, re, resource, sys, time
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml

# For counting: operators that only call others, and views, shapes and memory, which start no kernel on a GPU.
CALLERS = {'aten::' + name for name in (
    'linear', 'matmul', 'layer_norm', 'dropout', 'embedding', 'embedding_backward', 'scaled_dot_product_attention', 'cross_entropy_loss', 'log_softmax',
    'nll_loss_nd', 'nll_loss', 'reshape', 'flatten', 'contiguous', 'clone', 'zeros', 'ones_like', 'index')}
NO_WORK = {'aten::' + name for name in (
    'view', '_unsafe_view', '_reshape_alias', 'as_strided', 't', 'transpose', 'permute', 'expand', 'select', 'slice', 'unsqueeze', 'squeeze', 'unflatten',
    'detach', 'alias', 'empty', 'empty_like', 'empty_strided', 'resize_', 'unbind', 'split', 'result_type', 'to', 'resolve_conj', 'lift_fresh')}
CLIP_AND_UPDATE = 12  # on a GPU, by lists of tensors: norms 2, their norm 2, factor 4, product 1, AdamW 2, clearing 1


def count_kernels(events):
    if not events:
        return 0
    deeper = [e for e in events if not e.name.startswith('aten::') or e.name in CALLERS]
    here = sum(1 for e in events if e.name.startswith('aten::') and e.name not in CALLERS | NO_WORK)
    return here + count_kernels([child for e in deeper for child in e.cpu_children])


LANGUAGE_MODELS = ('masked_lm', 'causal_lm')


class Block(nn.Module):
    def __init__(self, m):
        super().__init__()
        D, Fh = m['width'], m['hidden']
        self.heads, self.p = m['heads'], m['dropout']
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.output = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, Fh), nn.Linear(Fh, D)
        self.gelu = nn.GELU('tanh' if m['activation'] == 'gelu_tanh' else 'none')

    def forward(self, x, allowed, causal):
        B, T, D = x.shape
        q, k, v = self.qkv(self.attention_norm(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        o = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed, dropout_p=self.p['attention'], is_causal=causal)
        x = x + F.dropout(self.output(o.transpose(1, 2).reshape(B, T, D)), self.p['residual'])
        a = F.dropout(self.gelu(self.up(self.feed_forward_norm(x))), self.p['hidden'])
        return x + F.dropout(self.down(a), self.p['residual'])


class Encoder(nn.Module):
    def __init__(self, m, objectives, V, classes):
        super().__init__()
        D = m['width']
        self.p, self.causal, self.objectives = m['dropout'], m['attention']['causal'], objectives
        self.token, self.position = nn.Embedding(V, D), nn.Embedding(m['max_length'], D)
        self.blocks = nn.ModuleList(Block(m) for _ in range(m['layers']))
        self.norm = nn.LayerNorm(D)
        self.outputs = nn.ModuleList(nn.Linear(D, C) for C in classes)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)
        for o, head in zip(objectives, self.outputs):
            if o.get('tied'):
                head.weight = self.token.weight

    def forward(self, tokens, valid, targets):  # valid [B,T] or None where nothing is padded; targets: (rows or None, classes) a head
        allowed = None if valid is None else valid[:, None, None, :]
        x = F.dropout(self.token(tokens) + self.position.weight[:tokens.shape[1]], self.p['embedding'])
        for block in self.blocks:
            x = block(x, allowed, self.causal)
        x, loss = self.norm(x), 0
        for o, head, (rows, classes) in zip(self.objectives, self.outputs, targets):
            if o['kind'] != 'sequence_classification':
                h = x.flatten(0, 1) if rows is None else x.flatten(0, 1)[rows]
            elif valid is None:
                h = x.mean(1)
            else:
                h = (x * valid[..., None]).sum(1) / valid.sum(1, keepdim=True)
            loss = loss + o['weight'] * F.cross_entropy(head(h), classes, label_smoothing=o.get('label_smoothing') or 0)
        return loss


def read_lines(path, encoding):
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == '.gz' else raw).decode(encoding).splitlines()


def real_lengths(data):  # of the training sequences, and the sizes of what there is to tell apart
    encoding, longest = data.get('encoding', 'utf-8'), data['max_length']
    if data['kind'] == 'labelled_lines':
        pairs = [re.split(r'[ \t]', line, maxsplit=1) for line in read_lines(Path(data['train']), encoding) if line.strip()]
        words = [re.findall(r'\w+|[^\w\s]', text.lower()) for _, text in pairs]
        known = dict(sequence_classification=len({label for label, _ in pairs}))
    elif data['kind'] == 'tagged' and isinstance(data['train'], dict):
        files = {name: read_lines(Path(path), encoding) for name, path in data['train'].items() if path}
        words = [line.lower().split() for line in files['tokens']]
        known = dict(token_classification=len({tag for line in files['tags'] for tag in line.split()}),
                     sequence_classification=len(set(files.get('labels', []))))
    else:
        sys.exit(f"error: data of kind '{data['kind']}' cannot be compared here; random, labelled_lines and tagged in parallel files can")
    return [min(len(w), longest) for w in words if w], len({w for line in words for w in line}), known


class Work:  # batches of the size and lengths that a configuration asks for; the tokens are random
    def __init__(self, config):
        self.data, self.batch = config['data'], config['training']['batch_size']
        self.objectives = config['objective'] if isinstance(config['objective'], list) else [config['objective']]
        self.lengths, self.V, self.known = None, self.data.get('vocabulary_size'), {}
        if self.data['kind'] != 'random':
            self.lengths, self.V, self.known = real_lengths(self.data)
        self.classes = [self.V if o['kind'] in LANGUAGE_MODELS else self.known[o['kind']] for o in self.objectives]
        self.random = random.Random(1)

    def next(self):
        if self.lengths is None:
            T = self.data['length']
            tokens, valid = torch.randint(self.V, (self.batch, T)), None
            count = tokens.numel()
        else:
            lengths = torch.tensor(self.random.sample(self.lengths, self.batch))
            valid = torch.arange(int(lengths.max())) < lengths[:, None]
            tokens, count = torch.randint(self.V, valid.shape), int(lengths.sum())
        targets = []
        for o, C in zip(self.objectives, self.classes):
            if o['kind'] == 'masked_lm':
                rows = torch.randperm(tokens.numel())[:int(o['rate'] * tokens.numel())]
            elif o['kind'] == 'token_classification' and valid is not None:
                rows = valid.flatten().nonzero().flatten()
            else:
                rows = None
            n = self.batch if o['kind'] == 'sequence_classification' else tokens.numel() if rows is None else len(rows)
            targets.append((rows, torch.randint(C, (n,))))
        return tokens, valid, targets, count


def main():
    path, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    device = 'cuda' if sys.argv[4:] == ['cuda'] else 'cpu'
    config = yaml.safe_load(Path(path).read_text())
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    work, o = Work(config), config['optimizer']
    model = Encoder(config['model'], work.objectives, work.V, work.classes).to(device)
    move = lambda x: x if x is None else x.to(device, non_blocking=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=o['learning_rate'], betas=o['betas'], eps=o['epsilon'],
                                  weight_decay=o['weight_decay'], fused=True)

    def step():
        tokens, valid, targets, count = work.next()
        model(move(tokens), move(valid), [(move(rows), move(classes)) for rows, classes in targets]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config['training']['clip'])
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        if device == 'cuda':
            torch.cuda.synchronize()
        return count

    for _ in range(4):
        step()
    if sys.argv[4:] == ['count']:
        tokens, valid, targets, _ = work.next()
        with torch.profiler.profile() as profile:
            model(tokens, valid, targets).backward()
        print(count_kernels([e for e in profile.events() if e.cpu_parent is None]) + CLIP_AND_UPDATE)
        return
    times, tokens, end = [], 0, time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        tokens += step()
        times.append(time.perf_counter() - start)
    times.sort()
    print(json.dumps(dict(median_ms=1e3 * times[len(times) // 2], tokens_per_step=tokens / len(times),
                          parameters=sum(p.numel() for p in model.parameters()),
                          peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)))


main()
