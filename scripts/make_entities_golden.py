#!/usr/bin/env python3
"""Writes tests/golden/entities.json: which entities random tags spell, and how truth and prediction score, as seqeval has it, which takes
after conlleval. Needs seqeval; the tests do not."""
import json
import pathlib
import random
import warnings

from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities


def main():
    warnings.filterwarnings('ignore')  # of scores without any entity
    rng = random.Random(5)

    def tags(length, places):
        return [tag if (tag := rng.choice(places)) == 'O' else f'{tag}-{rng.choice(["X", "Y", "a-b"])}' for _ in range(length)]

    cases = []
    for i in range(400):
        places = ['BIO', 'BIOES', 'IO', 'BIIIO'][i % 4]
        sentences = [rng.randrange(1, 9) for _ in range(rng.randrange(1, 4))]
        truth = [tags(n, places) for n in sentences]
        # Half of the predictions are the truth with a tag or two changed: some entities are right.
        predicted = [tags(n, places) if rng.random() < .5 else [t if rng.random() < .8 else tags(1, places)[0] for t in s]
                     for n, s in zip(sentences, truth)]
        scores = [f(truth, predicted) for f in (precision_score, recall_score, f1_score)]
        cases.append({'truth': [' '.join(s) for s in truth], 'predicted': [' '.join(s) for s in predicted],
                      'entities': [[f'{name}:{first}-{last}' for name, first, last in get_entities(s)] for s in truth],
                      'scores': [float(s) for s in scores]})
    path = pathlib.Path(__file__).parent.parent / 'tests/golden/entities.json'
    path.write_text('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')


if __name__ == '__main__':
    main()
