"""How the cost of a training step grows: `vitrine bench train` along one axis after the other, beside the machine's limit.

  scripts/measure_growth.py [--seconds S] [--out DIR] [--threads N]

Each axis leaves everything else at D 128, two blocks of four heads, F = 4 D, 16 sequences of 64 tokens, a vocabulary of 1,000, masked_lm.
Writes growth.md and growth.svg to DIR (build/growth). Needs Python 3 and nothing else.
"""
import argparse, datetime, json, os, platform, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VITRINE = ROOT / 'build/release/vitrine'
BASE = {'model.width': 128, 'model.hidden': 512, 'model.heads': 4, 'model.layers': 2, 'data.length': 64, 'data.max_length': 64,
        'model.max_length': 64, 'training.batch_size': 16, 'data.vocabulary_size': 1000, 'data.train_sentences': 512}


def width(d):
    return {'model.width': d, 'model.hidden': 4 * d}


def length(t):  # as many tokens in a step
    return {'data.length': t, 'data.max_length': t, 'model.max_length': t, 'training.batch_size': max(1, 1024 // t)}


AXES = [  # name, values, what each sets
    ('width D', (32, 48, 64, 96, 128, 192, 256, 384, 512), width),
    ('heads H of width 96', (1, 2, 3, 4, 6, 8), lambda h: {**width(96), 'model.heads': h}),
    ('length T, 1,024 tokens a step', (8, 16, 32, 50, 64, 100, 128, 256, 512, 1024), length),
    ('sequences B of 64 tokens', (1, 2, 4, 8, 16, 32, 64), lambda b: {'training.batch_size': b}),
    ('vocabulary V', (100, 300, 1000, 3000, 10000, 30000), lambda v: {'data.vocabulary_size': v}),
]


def bench(options, settings):
    sets = {**BASE, 'run.threads': options.threads, **settings}
    command = [VITRINE, 'bench', 'train', 'configs/bench/nano.yaml', '--json', '--seconds', options.seconds]
    command += [f'--set={key}={value}' for key, value in sets.items()]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def table(name, rows):
    lines = [f'| {name} | ms a step | tokens/s | GFLOP a step | GFLOP/s | of the products\' limit | planned MB |', '|---' * 7 + '|']
    for value, r in rows:
        rate = r['flops_per_step'] / r['median_ms'] / 1e6
        lines.append(f"| {value:,} | {r['median_ms']:.2f} | {r['tokens_per_s']:,.0f} | {r['flops_per_step'] / 1e9:.2f} | {rate:.0f} | "
                     f"{100 * r['utilisation']:.0f} % | {r['planned_mb']:.0f} |")
    return '\n'.join(lines)


def picture(axes, caption):  # for each axis: share of the limit, which is the dashed line at the top
    wide, high = 640, 150
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{(high + 50) * len(axes) + 40}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="10" y="20" font-weight="bold" font-size="13">Share of the rate that the machine reaches in products (dashed: all of it)</text>']
    for i, (name, rows) in enumerate(axes):
        top = 40 + (high + 50) * i
        at = lambda k: (60 + (wide - 100) * k / max(1, len(rows) - 1), top + high * (1 - rows[k][1]['utilisation']))
        parts += [f'<text x="10" y="{top + high + 34}">{name}</text>',
                  f'<line x1="50" x2="{wide - 30}" y1="{top}" y2="{top}" stroke="#c1121f" stroke-dasharray="4 3"/>',
                  f'<line x1="50" x2="{wide - 30}" y1="{top + high}" y2="{top + high}" stroke="#888"/>',
                  '<polyline fill="none" stroke="#2a6f97" stroke-width="2" points="' + ' '.join('%.1f,%.1f' % at(k) for k in range(len(rows))) + '"/>']
        for k, (value, r) in enumerate(rows):
            x, y = at(k)
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#2a6f97"/>',
                      f'<text x="{x:.1f}" y="{y - 7:.1f}" text-anchor="middle" font-size="11">{100 * r["utilisation"]:.0f} %</text>',
                      f'<text x="{x:.1f}" y="{top + high + 16}" text-anchor="middle" font-size="11">{value:,}</text>']
    return '\n'.join(parts + [f'<text x="10" y="{(high + 50) * len(axes) + 34}" font-size="11" fill="#555">{caption}</text>', '</svg>']) + '\n'


def main():
    parser = argparse.ArgumentParser(prog='scripts/measure_growth.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seconds', type=float, default=2, help='of each measurement')
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--out', type=Path, default=ROOT / 'build/growth')
    options = parser.parse_args()
    os.chdir(ROOT)
    options.out.mkdir(parents=True, exist_ok=True)
    threads = [2**i for i in range(20) if 2**i < os.cpu_count()] + [os.cpu_count()]
    axes = []
    for name, values, settings in AXES + [('threads', threads, lambda n: {'run.threads': n})]:
        axes.append((name, [(value, bench(options, settings(value))) for value in values]))
        print(table(*axes[-1]) + '\n', flush=True)
    names = [line.split(':', 1)[1].strip() for line in Path('/proc/cpuinfo').read_text().splitlines() if line.startswith('model name')]
    caption = f'{names[0] if names else platform.machine()}, {options.threads} threads, {datetime.date.today()}'
    (options.out / 'growth.md').write_text('\n\n'.join(table(*axis) for axis in axes) + f'\n\n{caption}\n')
    (options.out / 'growth.svg').write_text(picture(axes, caption))
    print(f'{caption}\nwritten: {options.out}/growth.md, growth.svg')


main()
