"""What a training step should take on a GPU, by counting: a prediction, for src/backend/CUDA.md. Nothing here runs on a GPU.

    scripts/predict_gpu.py [CONFIG …] [--vitrine build/release/vitrine] [--pytorch]

`vitrine bench train --profile` on the processor, with the whole batch as one lane and one micro-batch as on a GPU, gives each primitive's calls,
operations and bytes; kLaunches says how many kernels a call is. --pytorch also counts the operators that PyTorch's step dispatches (needs torch).
"""
import argparse, json, subprocess, sys, tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZES = ('nano', 'tiny', 'char', 'mini', 'small', 'long')

# FLOP/s of float32 without tensor cores and bytes/s, of data sheets; shares of them that a good kernel reaches; the shortest time of a kernel with the
# gap before the next; what a launch costs the host; what waiting for the device costs, with the copy.
GPUS = {'A100': (19.5e12, 2.04e12), 'H100': (67e12, 3.35e12)}
FLOPS_SHARE, BYTES_SHARE = 0.6, 0.8
SHORTEST, LAUNCH, WAIT = 2e-6, 4e-6, 12e-6

kLaunches = {'fill': 1, 'copy': 1, 'add': 1, 'sum_squares': 1, 'matmul': 1, 'linear': 2, 'bias_backward': 2, 'layer_norm_forward': 1,
             'layer_norm_backward': 3, 'rms_norm_forward': 1, 'rms_norm_backward': 3, 'softmax_forward': 1, 'softmax_backward': 1,
             'activation_forward': 1, 'activation_backward': 1, 'gated_forward': 1, 'gated_backward': 1, 'gather': 1, 'scatter_add': 1,
             'dropout': 1, 'dropout of tiles': 1, 'fused_attention_forward': 1, 'fused_attention_backward': 3, 'cross_entropy_forward': 1,
             'cross_entropy_backward': 1, 'mean_pool_forward': 1, 'mean_pool_backward': 1, 'adam': 1, 'sgd': 1}


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed:\n{done.stderr or done.stdout}")
    return done.stdout


def value(resolved, key):  # of `config show`: a key that stands once in it
    lines = [line.split('#')[0] for line in resolved.splitlines() if line.strip().startswith(key + ':')]
    return int(lines[0].split(':')[1])


def predict(vitrine, config):
    resolved = run(vitrine, 'config', 'show', config)
    B, T, H, L = (value(resolved, key) for key in ('batch_size', 'length', 'heads', 'layers'))
    profile = json.loads(run(vitrine, 'bench', 'train', config, '--seconds', 0.2, '--profile', '--json', '--set', 'training.lanes=1',
                             '--set', f'training.micro_batch={B * T}'))
    row = dict(name=Path(config).stem, parameters=profile['parameters'], launches=0, flops=0, bytes=0, gpu={name: 0 for name in GPUS})
    arrays = 5 + 12 * L  # parameters of a pre-norm encoder with learned positions and a tied head
    for op in profile['ops']:
        if op['calls'] == 0:
            continue
        calls = arrays if op['name'] in ('adam', 'sum_squares') else op['calls']
        launches = calls * (min(B, H) if op['name'] == 'matmul of tiles' else kLaunches[op['name']])
        flops, moved = op['gflops'] * op['ms'] * 1e6, op['gb_s'] * op['ms'] * 1e6
        row['launches'] += launches
        row['flops'] += flops
        row['bytes'] += moved
        for name, (peak, bandwidth) in GPUS.items():
            row['gpu'][name] += max(SHORTEST * launches, flops / (FLOPS_SHARE * peak), moved / (BYTES_SHARE * bandwidth))
    row['waits'] = arrays + 1  # each norm of a parameter's gradient, and the loss
    for name in GPUS:
        row['gpu'][name] = max(row['gpu'][name], LAUNCH * row['launches']) + WAIT * row['waits']
    return row


def count_pytorch(vitrine, config):
    with tempfile.TemporaryDirectory() as folder:
        resolved = Path(folder) / 'resolved.yaml'
        resolved.write_text(run(vitrine, 'config', 'show', config))
        return int(run(sys.executable, ROOT / 'scripts/torch_peer.py', resolved, 1, 0, 'count'))


def main():
    parser = argparse.ArgumentParser(description='What a training step should take on a GPU, by counting')
    parser.add_argument('configs', nargs='*', default=[ROOT / f'configs/bench/{size}.yaml' for size in SIZES])
    parser.add_argument('--vitrine', default=ROOT / 'build/release/vitrine')
    parser.add_argument('--pytorch', action='store_true')
    options = parser.parse_args()
    head = '| size | parameters | GFLOP | MB moved | launches | waits | A100, ms | H100, ms |' + (' PyTorch\'s operators |' if options.pytorch else '')
    print(head, '|---' * (head.count('|') - 1) + '|', sep='\n')
    for config in options.configs:
        r = predict(options.vitrine, config)
        print(f"| {r['name']} | {r['parameters']:,} | {r['flops'] / 1e9:.2f} | {r['bytes'] / 1e6:.0f} | {r['launches']:.0f} | {r['waits']} | "
              f"{1e3 * r['gpu']['A100']:.2f} | {1e3 * r['gpu']['H100']:.2f} |" +
              (f" {count_pytorch(options.vitrine, config)} |" if options.pytorch else ''))


main()
