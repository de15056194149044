"""Sweeps over kinds of attention and position schemes, and the tables and pictures of what comes out; see compare_variants.sh.

Every number is from `vitrine sweep` (its results.csv), `vitrine bench train --json` (time and memory), `vitrine attention --json` (zeros) and
the parameters of the last checkpoint (spans, alphas).
"""
import argparse, csv, datetime, json, math, os, platform, statistics, struct, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = {  # one setting for all tasks: what is local sees 8 tokens on each side
    'full': '', 'local': 'window: 8', 'block_sparse': 'block: 8, global: 1', 'top_k': 'k: 8', 'entmax': 'alpha: learned',
    'adaptive_span': 'initial: 8, ramp: 8', 'routing': '', 'linear': '', 'performer': ''}
POSITIONS = ('none', 'learned', 'sinusoidal', 'rotary', 'alibi', 't5_bias', 'shaw', 'disentangled')


AXES = ('model.attention', 'model.position')


class Task:
    """axes: what is varied. longer: --set of a longer test, by its name; the model is the one that never saw such lengths."""

    def __init__(self, name, config, steps, quality, causal=False, sets=(), axes=AXES, longer={}):
        self.name, self.config, self.steps, self.quality, self.causal = name, config, steps, quality, causal
        self.sets, self.axes, self.longer = list(sets), axes, longer


# Recall: sequences of at most 19, 35 and 67 tokens. Of induction every position is used that the longest
# test has, so that `learned` has rows for all of them, most of them as they were drawn.
TASKS = [Task(f'recall, {n} distractors', 'configs/recall.yaml', 4000, 'accuracy', True, [f'data.distractors={n}', 'run.name=recall'])
         for n in (0, 16, 48)]
TASKS += [Task('grammar', 'configs/quickstart.yaml', 1500, 'learned'),
          Task('trec', 'configs/trec.yaml', 1000, 'accuracy', axes=AXES[:1]),
          Task('induction', 'configs/attention/shaw.yaml', 1500, 'accuracy', True,
               ['data.length=16', 'data.vocabulary_size=130', 'data.max_length=256', 'model.max_length=256'], axes=AXES[1:],
               longer={f'{2 * n}': [f'data.length={n}', f'data.min_length={n}', 'data.test_sentences=200'] for n in (16, 32, 64, 128)})]


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed")
    return done.stdout


def attention(kind, causal):
    keys = ', '.join(filter(None, [f'kind: {kind}', KINDS[kind], 'causal: true' if causal else '']))
    return f'{{{keys}}}'


def variants(task):  # axis, {name: what --set takes}
    for axis in task.axes:
        yield axis, {kind: attention(kind, task.causal) for kind in KINDS} if axis == AXES[0] else {p: p for p in POSITIONS}


def fixed(task, axis, options):
    sets = task.sets + [f'run.threads={options.threads}']
    if axis == 'model.position':
        sets.append('model.attention=' + ('causal' if task.causal else 'full'))
    steps = min(options.steps or task.steps, task.steps)
    return sets + [f'training.steps={steps}', f'schedule.warmup_steps={min(200, steps // 5)}', f'evaluation.every={max(1, steps // 4)}',
                   'evaluation.patience=0']


def flags(sets):
    return [f'--set={s}' for s in sets]


def once(path, make):  # what was made before is read
    if not path.exists():
        value = make()
        path.with_suffix('.part').write_text(json.dumps(value) + '\n')
        path.with_suffix('.part').rename(path)
    return json.loads(path.read_text())


def learned_parameters(run_dir):
    """Spans in tokens and alphas of all heads."""
    raw = (run_dir / 'checkpoints' / (run_dir / 'latest').read_text().strip().split('/')[-1] / 'model.safetensors').read_bytes()
    size = struct.unpack('<Q', raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8:8 + size]).items():
        what = name.split('.')[-2] if name.endswith(('span.weight', 'alpha.weight')) else None
        if what:
            begin, end = (8 + size + o for o in t['data_offsets'])
            x = struct.unpack(f'<{(end - begin) // 4}f', raw[begin:end])
            out.setdefault(what, []).extend(1 + 1 / (1 + math.exp(-a)) if what == 'alpha' else a for a in x)
    return out


def zeros(options, run_dir, causal):
    """The share of the weights that are exactly 0, of the pairs that full attention would weigh, in the first ten test sequences."""
    none = pairs = 0
    for sample in range(1, 11):
        w = json.loads(run(options.program, 'attention', run_dir, '--sample', sample, '--json'))['weights']
        for head in (h for layer in w for h in layer):
            for i, row in enumerate(head):
                seen = row[:i + 1] if causal else row
                none, pairs = none + seen.count(0), pairs + len(seen)
    return none / pairs


def look(options, task, run_dir):
    out = dict(learned_parameters(run_dir), zeros=zeros(options, run_dir, task.causal))
    for name, sets in task.longer.items():
        out[f'of {name}'] = json.loads(run(options.program, 'evaluate', run_dir, *flags(sets), '--json'))[task.quality]
    return out


def measure(options, task, axis, name, value, rows, folder):
    """One row of a table: the runs of one variant of a task."""
    out = dict(task=task.name, axis=axis, variant=name, seeds=len({r['seed'] for r in rows}), quality=[], looks=[], effect=[], chance=[])
    for seed in sorted({r['seed'] for r in rows}, key=int):
        of = {r['name']: float(r['value']) for r in rows if r['seed'] == seed}
        if 'diverged' in of:
            out['diverged'] = out.get('diverged', 0) + 1
            continue
        out['steps'], out['parameters'] = of['steps'], of['parameters']
        out['quality'].append(1 - of['test.share_left'] if task.quality == 'learned' else of[f'test.{task.quality}'])
        for key, column in (('attention', 'looks'), ('effect', 'effect'), ('chance', 'chance')):
            found = [v for n, v in of.items() if n.startswith('test.links.') and n.endswith('.' + key)]
            if found:
                out[column].append(statistics.mean(found))
        run_dir = folder / next(r['run'] for r in rows if r['seed'] == seed)
        for key, x in once(run_dir / 'look.json', lambda: look(options, task, run_dir)).items():
            out.setdefault(key, []).extend(x if isinstance(x, list) else [x])
    bench = once(folder / f'bench-{name}.json', lambda: json.loads(run(
        options.program, 'bench', 'train', task.config, *flags(fixed(task, axis, options)), f'--set={axis}={value}', '--seconds', 2, '--json')))
    out['ms'], out['planned_mb'] = bench['median_ms'], bench['planned_mb']
    return out


def spread(values, factor=1, digits=2):
    if not values:
        return '–'
    mean = f'{factor * statistics.mean(values):.{digits}f}'
    return mean if len(values) == 1 else f'{mean} ± {factor * statistics.stdev(values):.{digits}f}'


def longer_table(rows, task):
    lengths = [f'of {name}' for name in task.longer]
    lines = ['| tokens of a test sequence | ' + ' | '.join(task.longer) + ' |', '|---' * (len(lengths) + 1) + '|']
    for r in rows:
        lines.append(f"| `{r['variant']}` | " + ' | '.join(spread(r.get(key, []), 100, 1) for key in lengths) + ' |')
    return '\n'.join(lines)


def extent(values):
    return f'{min(values):.1f} – {max(values):.1f}'


def table(rows):
    lines = ['| | quality, % | looks | chance | effect | zeros | spans | alphas | ms a step | planned MiB |', '|---' * 10 + '|']
    for r in rows:
        cells = [spread(r['quality'], 100, 1), spread(r['looks']), spread(r['chance']), spread(r['effect']), spread(r.get('zeros', [])),
                 extent(r['span']) if 'span' in r else '', extent(r['alpha']) if 'alpha' in r else '', f"{r['ms']:.1f}", f"{r['planned_mb']:.1f}"]
        diverged = f" ({r['diverged']} diverged)" if r.get('diverged') else ''
        lines.append(f"| `{r['variant']}`{diverged} | " + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def picture(rows, key, title, caption, unit=1):
    """A line for each variant, a panel for each task: a dot for each seed."""
    variants = list(dict.fromkeys(r['variant'] for r in rows))
    tasks = list(dict.fromkeys(r['task'] for r in rows))
    left, panel, gap, high, top = 110, 190, 24, 20, 64
    width, bottom = left + (panel + gap) * len(tasks) + 10, top + high * len(variants)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom + 50}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>', f'<text x="10" y="20" font-size="14" font-weight="bold">{title}</text>']
    for v, name in enumerate(variants):
        parts.append(f'<text x="{left - 8}" y="{top + high * v + 14}" text-anchor="end">{name}</text>')
    for t, task in enumerate(tasks):
        x0 = left + t * (panel + gap)
        of = {r['variant']: [unit * x for x in (r[key] if isinstance(r[key], list) else [r[key]])] for r in rows if r['task'] == task}
        most = max([x for values in of.values() for x in values] or [0])
        scale = panel / (most or 1)
        parts += [f'<text x="{x0}" y="44" font-weight="bold">{task}</text>', f'<text x="{x0}" y="{bottom + 16}">0</text>',
                  f'<text x="{x0 + panel}" y="{bottom + 16}" text-anchor="end">{most:.3g}</text>']
        for v, name in enumerate(variants):
            y = top + high * v + 10
            parts.append(f'<line x1="{x0}" y1="{y}" x2="{x0 + panel}" y2="{y}" stroke="#ddd"/>')
            if of.get(name):
                parts.append(f'<line x1="{x0 + scale * min(of[name]):.1f}" y1="{y}" x2="{x0 + scale * max(of[name]):.1f}" y2="{y}" stroke="#2a6f97" stroke-width="2"/>')
            parts += [f'<circle cx="{x0 + scale * x:.1f}" cy="{y}" r="3.5" fill="#2a6f97" fill-opacity="0.7"/>' for x in of.get(name, [])]
    return '\n'.join(parts + [f'<text x="10" y="{bottom + 38}" font-size="11" fill="#555">{caption}</text>', '</svg>']) + '\n'


def processor():
    names = [line.split(':', 1)[1].strip() for line in Path('/proc/cpuinfo').read_text().splitlines() if line.startswith('model name')]
    return names[0] if names else platform.machine()


def report(rows, options, caption):
    out = [f'{caption}.', '']
    for axis, title in (('model.attention', 'Kinds of attention'), ('model.position', 'Position schemes, full attention')):
        these = [r for r in rows if r['axis'] == axis]
        for task in dict.fromkeys(r['task'] for r in these):
            of = [r for r in these if r['task'] == task]
            out += [f"## {title}: {task}, {of[0].get('steps', 0):.0f} steps, {of[0]['seeds']} seed{'s' if of[0]['seeds'] != 1 else ''}", '', table(of), '']
            if whole := next((t for t in TASKS if t.name == task and t.longer), None):
                out += [longer_table(of, whole), '']
        name = axis.split('.')[1]
        for key, what in (('quality', 'Quality on the test split, %'), ('looks', 'Attention of the head that looks most at the source'),
                          ('ms', 'Milliseconds a step'), ('planned_mb', 'Planned memory, MiB')):
            if any(r[key] for r in these):
                (options.out / f'{name}-{key}.svg').write_text(picture(these, key, what, caption, 100 if key == 'quality' else 1))
    (options.out / 'variants.md').write_text('\n'.join(out))
    (options.out / 'variants.json').write_text(json.dumps(dict(machine=caption, rows=rows), indent=1) + '\n')


def main():
    parser = argparse.ArgumentParser(prog='scripts/compare_variants.sh')
    parser.add_argument('program', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--seeds', default='1', help='such as 1-3')
    parser.add_argument('--steps', type=int, help='at most so many steps of each training')
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--only', nargs='+', choices=list(dict.fromkeys(t.name.split(',')[0] for t in TASKS)))
    parser.add_argument('--out', type=Path, default=ROOT / 'build/variants')
    options = parser.parse_args()
    options.program = options.program.resolve()
    options.out = options.out.resolve()
    os.chdir(ROOT)
    options.out.mkdir(parents=True, exist_ok=True)
    caption = f"{processor()}, {options.threads} thread{'s' if options.threads != 1 else ''}, {datetime.date.today()}"
    rows = []
    for task in TASKS:
        family = task.name.split(',')[0]
        if options.only and family not in options.only:
            continue
        if family == 'trec' and not (ROOT / 'data/trec').is_dir():
            print('trec is left out: scripts/fetch_data.sh trec fetches it', flush=True)
            continue
        for axis, values in variants(task):
            folder = options.out / f"{task.name.replace(', ', '-').replace(' ', '-')}-{axis.split('.')[1]}"
            print(f'{task.name}: {axis}', flush=True)
            run(options.program, 'sweep', task.config, *flags(fixed(task, axis, options)), f"--set={axis}={','.join(values.values())}",
                '--seeds', options.seeds, '--out', folder, '--json')
            with open(folder / 'results.csv', newline='') as file:
                found = list(csv.DictReader(file))
            for name, value in values.items():
                rows.append(measure(options, task, axis, name, value, [r for r in found if r[axis] == value], folder))
            report(rows, options, caption)
    print((options.out / 'variants.md').read_text())
    print(f'written: {options.out}/variants.md, variants.json and pictures')


main()
