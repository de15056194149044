#!/usr/bin/env python3
"""Writes tests/golden/csv.json: what Python's csv makes of nasty files. Needs nothing but Python; the tests do not need it."""
import csv
import io
import json
import pathlib
import random

HAND = [
    'a,b\n1,2\n', 'a,b\r\n1,2\r\n', 'a,b\r1,2\r', 'a,b', 'a,\n,b\n,\n', '"a","b"\n', '"a,b","c\nd"\n', '"a\r\nb",c\r\n', '"a\rb"\n',
    '"say ""yes""",x\n', '""\n', '"",""\n', '""""\n', '""""""\n', '"a""",b\n', '"""a",b\n', '"a"b,c\n', '"a"b"c",d\n', 'a"b,c""d\n', ' "a",b\n',
    '"a" ,b\n', '\n\na\n\n\nb\n\n', '\r\r\na\n', 'a\n\r\nb', '"\n"\n', '","\n', 'a,"b\n\n\nc"\n\nd,e', '"ü,語",é\n', 'a\tb,c\n', "'a,b',c\n", '\\"a,b\\"\n',
    '"a\\"",b\n', ',\n', ',', '"a",', '"a",\n', 'a,"', '"never closed,a\nb', '"a""', 'x,"y""\n', '  \n', '" "\n',
]


def rows(text, **dialect):
    return [row for row in csv.reader(io.StringIO(text, newline=''), **dialect) if row]


def case(text, name, **dialect):
    # A row behind an open quote belongs to the field in it.
    end = dialect['delimiter'].join('ZZ')
    closed = rows(text + '\n' + end + '\n', **dialect)[-1:] == [['Z', 'Z']]
    # \r\n is read as \n, between quotes, too.
    expected = [[field.replace('\r\n', '\n') for field in row] for row in rows(text, **dialect)] if closed else None
    return {'text': text, 'kind': name, 'rows': expected}


def main():
    rng = random.Random(4)
    texts = HAND + [''.join(rng.choice('aé  """,,;\t\n\r\n') for _ in range(rng.randrange(1, 24))) for _ in range(260)]
    cases = [case(text, 'csv', delimiter=',') for text in texts]
    cases += [case(text, 'semicolon', delimiter=';') for text in texts[-60:]]
    cases += [case(text, 'tsv', delimiter='\t', quoting=csv.QUOTE_NONE) for text in texts[:40] + texts[-60:]]
    path = pathlib.Path(__file__).parent.parent / 'tests/golden/csv.json'
    path.write_text('[\n' + ',\n'.join(json.dumps(c, ensure_ascii=False) for c in cases) + '\n]\n', encoding='utf-8')


if __name__ == '__main__':
    main()
