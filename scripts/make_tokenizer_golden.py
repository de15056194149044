#!/usr/bin/env python3
"""Writes tests/golden/tokenizer/: tokenizer files, and what the `tokenizers` package makes with them of 12,000 lines of varied Unicode.

    build/release/test_data '[.golden]'        first: writes the tokenizers that are learned here (learned_*.json)
    scripts/make_tokenizer_golden.py           then: trains those that are missing of others with the package (package_*.json;
                                               its choice between equals differs from run to run), and hashes the ids of all

Needs `tokenizers` (goldens were made with 0.23.3); the tests do not. The lines follow the rule of tests/data/varied_lines.h.
ids.txt: a line for each file: its name, then, for each block of 1000 lines, the FNV-1a hash of the ids, with special tokens in
the text read as text and as special.
"""
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "tokenizer"
BLOCKS, BLOCK = 12, 1000
TRAINING = range(1_000_000, 1_001_500)  # lines to learn from
SPECIAL = ["[UNK]", "[MASK]", "[CLS]", "[SEP]"]
MASK64 = (1 << 64) - 1

SYLLABLES = ["the", "ing", "re", "un", "ed", "S", "Th", "a", "low", "er", "new", "est", "'s", "'ll", "don't", "12"]
SPACES = ["  ", "\n", "\t", "\u00a0", "\u3000", " \n ", "\u200b", "\u2028"]
LITERALS = ["[MASK]", " [MASK]", "[CLS]", "[SEP]", "##", "##the"]
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
CODES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3A1), (0x3A3, 0x3CE), (0x400, 0x45F), (0x5D0, 0x5EA),
    (0x620, 0x64A), (0x64B, 0x652), (0x660, 0x669), (0x905, 0x939), (0x93E, 0x94D), (0xE01, 0xE3A),
    (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2), (0x1E00, 0x1EFF), (0x2000, 0x2064), (0x20A0, 0x20BD),
    (0x2100, 0x214F), (0x2150, 0x2189), (0x2190, 0x22FF), (0x2500, 0x257F), (0x3000, 0x303F), (0x3041, 0x3096),
    (0x3099, 0x30FF), (0x3400, 0x4DB5), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xF900, 0xFA2D), (0xFF01, 0xFF5E),
    (0x1D15E, 0x1D172), (0x1D400, 0x1D454), (0x1F300, 0x1F5FF), (0x20000, 0x2A6D6), (0x2F800, 0x2FA1D), (0x00, 0x1F),
    (0x7F, 0x9F), (0xFFFC, 0xFFFD), (0xE000, 0xE010), (0x9BE, 0x9BE), (0x9C7, 0x9C7),
]


class Rule:
    def __init__(self, i):
        self.state = (i * 0x632BE59BD9B4E019 + 1) & MASK64

    def below(self, n):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK64
        z = self.state
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & MASK64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK64
        return (z ^ z >> 31) % n

    def one_of(self, values):
        return values[self.below(len(values))]

    def unit(self):
        kind = self.below(16)
        if kind < 5:
            return "".join(self.one_of(SYLLABLES) for _ in range(1 + self.below(3)))
        if kind < 8:
            return " "
        if kind == 8:
            return self.one_of(SPACES)
        if kind == 9:
            return self.one_of(PUNCTUATION)
        if kind < 14:
            first, last = self.one_of(CODES)
            return "".join(chr(first + self.below(last - first + 1)) for _ in range(1 + self.below(3)))
        if kind == 14:
            return chr(0x300 + self.below(0x70))
        return self.one_of(LITERALS)


def line(i):
    rule = Rule(i)
    return "".join(rule.unit() for _ in range(1 + rule.below(24)))


def hash_ids(tokenizer, first, special):
    tokenizer.encode_special_tokens = not special
    h = 0xCBF29CE484222325
    for encoding in tokenizer.encode_batch([line(i) for i in range(first, first + BLOCK)], add_special_tokens=False):
        for token in [*encoding.ids, 0xFFFFFFFF]:
            h = ((h ^ token) * 0x100000001B3) & MASK64
    return f"{h:016x}"


def train_byte_pair(lstrip):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    special = [AddedToken(name, special=True, lstrip=lstrip and name == "[MASK]") for name in SPECIAL]
    t.train_from_iterator(map(line, TRAINING), trainers.BpeTrainer(
        vocab_size=700, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return t


def train_word_piece(**rules):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**rules)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(map(line, TRAINING), trainers.WordPieceTrainer(
        vocab_size=700, limit_alphabet=400, special_tokens=SPECIAL, show_progress=False))
    return t


def main():
    for name, train in {
        "byte_pair": lambda: train_byte_pair(lstrip=False),
        "byte_pair_lstrip": lambda: train_byte_pair(lstrip=True),
        "uncased": train_word_piece,
        "cased": lambda: train_word_piece(lowercase=False, strip_accents=False),
    }.items():
        path = FOLDER / f"package_{name}.json"
        if not path.exists():
            train().save(str(path), pretty=False)
    with open(FOLDER / "ids.txt", "w") as out:
        for path in sorted(FOLDER.glob("*.json")):
            tokenizer = Tokenizer.from_file(str(path))
            hashes = [hash_ids(tokenizer, b * BLOCK, special) for b in range(BLOCKS) for special in (False, True)]
            print(path.name, *hashes, file=out)


if __name__ == "__main__":
    main()
