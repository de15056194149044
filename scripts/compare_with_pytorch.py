"""Runs `vitrine bench train` and scripts/torch_peer.py alternately on the same configurations; see compare_with_pytorch.sh.

Of R rounds each side keeps its smallest median time of a step. The ratio is PyTorch's time over Vitrine's, for steps of equally many
sequences of the same lengths. With --attention: `vitrine bench attention` and scripts/torch_attention.py, of which each keeps its fastest pass.
"""
import argparse, datetime, importlib.metadata, json, os, platform, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VITRINE = ROOT / 'build/release/vitrine'
SIZES = ('nano', 'tiny', 'char', 'mini', 'small', 'long')


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def default_configs():
    real = [f'configs/{name}.yaml' for name in ('trec', 'atis') if (ROOT / 'data' / name).is_dir()]
    return [f'configs/bench/{size}.yaml' for size in SIZES] + real


def measure(config, options, scratch):
    path, *sets = config.split(',')
    flags = [f'--set={s}' for s in [*sets, f'run.threads={options.threads}']]
    resolved = scratch / 'resolved.yaml'
    resolved.write_text(run(VITRINE, 'config', 'show', path, *flags))
    rounds = []
    for _ in range(options.rounds):
        ours = json.loads(run(VITRINE, 'bench', 'train', path, *flags, '--seconds', options.seconds, '--json'))
        theirs = json.loads(run(sys.executable, ROOT / 'scripts/torch_peer.py', resolved, options.threads, options.seconds))
        rounds.append((ours, theirs))
    row = dict(name=Path(path).stem + ''.join(f' {s}' for s in sets))
    for side, results in zip(('vitrine', 'pytorch'), zip(*rounds)):
        row[f'{side}_ms'] = min(r['median_ms'] for r in results)
        row[f'{side}_mb'] = max(r['peak_rss_mb'] for r in results)
    row['tokens_per_step'] = rounds[0][1]['tokens_per_step']
    row['parameters'] = rounds[0][0]['parameters']
    row['ratio'] = row['pytorch_ms'] / row['vitrine_ms']
    return row


LENGTHS, WIDTHS = (512, 1024, 2048, 4096), (32, 64)  # tokens; numbers of a head, of four


def measure_attention(d, T, options):
    times = {}
    for _ in range(options.rounds):
        for how in ('both', 'forward'):
            flags = ['--forward'] if how == 'forward' else []
            ours = json.loads(run(VITRINE, 'bench', 'attention', '--kinds', 'full/fused,full/dense', '--lengths', T, '--width', 4 * d,
                                  '--heads', 4, '--threads', options.threads, '--seconds', options.seconds, '--json', *flags))
            for cell in ours['cells']:
                times.setdefault(('vitrine', cell['kind'].split('/')[1], how), []).append(cell['ms'])
        theirs = json.loads(run(sys.executable, ROOT / 'scripts/torch_attention.py', T, 4 * d, 4, options.threads, options.seconds))
        for kind, by_pass in theirs.items():
            for how, ms in by_pass.items():
                times.setdefault(('pytorch', kind, how), []).append(ms)
    return [dict(d=d, tokens=T, kind=kind, **{'pass': how}, vitrine_ms=min(times['vitrine', kind, how]),
                 pytorch_ms=min(times['pytorch', kind, how])) for kind in ('fused', 'dense') for how in ('forward', 'both')]


def attention_table(rows):
    lines = ['| d | tokens | kind | forward: Vitrine ms | PyTorch ms | × PyTorch | with backward: Vitrine ms | PyTorch ms | × PyTorch |',
             '|---|---|---|---|---|---|---|---|---|']
    for first in rows[::2]:
        both = rows[rows.index(first) + 1]
        cells = [f"{r['vitrine_ms']:.2f} | {r['pytorch_ms']:.2f} | **{r['pytorch_ms'] / r['vitrine_ms']:.2f}**" for r in (first, both)]
        lines.append(f"| {first['d']} | {first['tokens']:,} | {first['kind']} | {cells[0]} | {cells[1]} |")
    return '\n'.join(lines)


def compare_attention(options, caption):
    rows = []
    for d in WIDTHS:
        for T in LENGTHS:
            rows += measure_attention(d, T, options)
            for r in rows[-4:]:
                print(f"d {d:2}  T {T:4}  {r['kind']:5} {r['pass']:7} {r['vitrine_ms']:9.2f} ms  PyTorch {r['pytorch_ms']:9.2f} ms   "
                      f"× {r['pytorch_ms'] / r['vitrine_ms']:.2f}", flush=True)
            report = (f'{attention_table(rows)}\n\nFull attention in 4 heads of width d between its projections, one sequence a thread; {caption}; '
                      f'the fastest pass of {options.rounds} alternating rounds of {options.seconds:g} s.\n')
            (options.out / 'attention.md').write_text(report)
            (options.out / 'attention.json').write_text(json.dumps(dict(machine=caption, rows=rows), indent=1) + '\n')
    print(f'\n{report}\nwritten: {options.out}/attention.md, .json')


def table(rows):
    head = '| configuration | parameters | tokens a step | Vitrine ms | PyTorch ms | tokens/s | × PyTorch | peak MB | PyTorch\'s |'
    lines = [head, '|---' * head.count(' | ') + '|---|']
    for r in rows:
        lines.append(f"| {r['name']} | {r['parameters']:,} | {r['tokens_per_step']:.0f} | {r['vitrine_ms']:.2f} | {r['pytorch_ms']:.2f} | "
                     f"{1e3 * r['tokens_per_step'] / r['vitrine_ms']:,.0f} | **{r['ratio']:.2f}** | {r['vitrine_mb']:.0f} | {r['pytorch_mb']:.0f} |")
    return '\n'.join(lines)


def picture(rows, caption):  # a bar for each ratio, and a line at 1
    left, width, high = 200, 420, 26
    scale = width / max(1.0, *(r['ratio'] for r in rows))
    one, bottom = left + scale, high * len(rows) + 40
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{bottom + 30}" font-family="sans-serif" font-size="13">',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="10" y="22" font-weight="bold">Training speed, × PyTorch on the same work</text>']
    for i, r in enumerate(rows):
        y = 36 + high * i
        parts += [f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{r["name"]}</text>',
                  f'<rect x="{left}" y="{y}" width="{scale * r["ratio"]:.1f}" height="{high - 8}" fill="#2a6f97"/>',
                  f'<text x="{left + scale * r["ratio"] + 6:.1f}" y="{y + 14}">{r["ratio"]:.2f}</text>']
    parts += [f'<line x1="{one:.1f}" y1="32" x2="{one:.1f}" y2="{bottom - 4}" stroke="#c1121f" stroke-dasharray="4 3"/>',
              f'<text x="10" y="{bottom + 16}" font-size="11" fill="#555">{caption}</text>', '</svg>']
    return '\n'.join(parts) + '\n'


def processor():
    names = [line.split(':', 1)[1].strip() for line in Path('/proc/cpuinfo').read_text().splitlines() if line.startswith('model name')]
    return names[0] if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(prog='scripts/compare_with_pytorch.sh')
    parser.add_argument('configs', nargs='*', metavar='CONFIG[,key=value…]')
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--seconds', type=float, default=4, help='of each measurement')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--out', type=Path, default=ROOT / 'build/comparison')
    parser.add_argument('--attention', action='store_true', help='attention alone, by length and width of a head')
    options = parser.parse_args()
    os.chdir(ROOT)
    options.out.mkdir(parents=True, exist_ok=True)
    threads = f"{options.threads} thread{'s' if options.threads != 1 else ''}"
    caption = f'{processor()}, {threads}, PyTorch {importlib.metadata.version("torch")}, {datetime.date.today()}'
    if options.attention:
        return compare_attention(options, caption)
    rows = []
    for config in options.configs or default_configs():
        rows.append(measure(config, options, options.out))
        r = rows[-1]
        print(f"{r['name']:<24} {r['vitrine_ms']:9.2f} ms  PyTorch {r['pytorch_ms']:9.2f} ms   × {r['ratio']:.2f}", flush=True)
        report = f'{table(rows)}\n\n{caption}; the smallest median of {options.rounds} alternating rounds of {options.seconds:g} s.\n'
        (options.out / 'comparison.md').write_text(report)
        (options.out / 'comparison.json').write_text(json.dumps(dict(machine=caption, rows=rows), indent=1) + '\n')
        (options.out / 'comparison.svg').write_text(picture(rows, caption))
    (options.out / 'resolved.yaml').unlink()
    print(f'\n{report}\nwritten: {options.out}/comparison.md, .json, .svg')


main()
