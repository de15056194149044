#!/usr/bin/env python3
"""The page, in a real browser: page_test.py PROGRAM SOURCE_FOLDER OUT_FOLDER. Without a Chromium it says so and is skipped (status 77)."""
import csv, io, itertools, json, math, os, re, shutil, struct, subprocess, sys, tempfile, time, xml.etree.ElementTree

from browser import Browser, find_browser

PRECISION = 0.004
HOSTILE = ["</script><script>alert(1)</script>", "<img/src=x/onerror=alert(1)>", "\u202eevil", "e\u0301\u0302\u0323", "👩\u200d👩\u200d👧", "مرحبا", "&amp;", "%s%n", "'\"`", "[MASK]"]


def expect(fact, what):
    if not fact:
        raise AssertionError(what)


def read_recording(folder):
    """Index, and weights by step and sentence: [L][H][n][n] as a function of (l, h, i, j)."""
    index, steps = json.load(open(f"{folder}/index.json")), {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".safetensors"):
            continue
        content = open(f"{folder}/{name}", "rb").read()
        size = struct.unpack("<Q", content[:8])[0]
        header, body, maps = json.loads(content[8 : 8 + size]), content[8 + size :], []
        for k in range(len(index["sentences"])):
            entry = header[f"sentences.{k}.weights"]
            maps.append((entry["shape"], struct.unpack(f"<{(entry['data_offsets'][1] - entry['data_offsets'][0]) // 4}f", body[slice(*entry["data_offsets"])])))
        steps[int(re.search(r"\d+", name)[0])] = maps
    return index, steps


def program(*arguments):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    expect(result.returncode == 0, f"vitrine {' '.join(arguments)}: {result.stderr}")
    return result


def make_runs(folder):
    os.chdir(folder)
    with open("small.yaml", "w") as f:
        f.write(f"""
data: {{kind: grammar, grammar: {SOURCE}/data/english.grammar, max_length: 24, train_sentences: 2000, validation_sentences: 60, test_sentences: 10}}
tokenizer: {{kind: word}}
model: {{width: 18, layers: 2, heads: 3, hidden: 24, position: learned}}
objective: {{kind: masked_lm}}
optimizer: {{kind: adamw, learning_rate: 0.01}}
schedule: {{kind: constant}}
training: {{steps: 60, batch_size: 16}}
evaluation: {{every: 20}}
inspect: {{sentences: ["the cat [MASK] on the mat"], samples: 3, every: 10}}
""")
    program("train", "small.yaml", "--run-dir", "small")
    # Whatever a tokenizer could make a token of.
    shutil.copytree("small", "hostile")
    index = json.load(open("hostile/attention/index.json"))
    hostile = index["sentences"][1]
    hostile["tokens"] = (HOSTILE * 2)[: len(hostile["tokens"])]
    hostile["note"] = hostile["link"]["pair"] = hostile["link"]["value"] = HOSTILE[0]
    json.dump(index, open("hostile/attention/index.json", "w"))
    program("inspect", "hostile", "--out", "hostile.html")


def make_story():
    """A copy of the run whose second sentence is carried by head 0.1 from step 30 on and looked at most by head 1.2 from step 20 on: in its files, by hand."""
    shutil.copytree("small", "story")
    s = json.load(open("story/attention/index.json"))["sentences"][1]
    target, source, n = s["target"], s["sources"][0], len(s["tokens"])
    for step in range(0, 61, 10):
        path = f"story/attention/step-{step:08d}.safetensors"
        content = bytearray(open(path, "rb").read())
        size = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + size])
        def put(name, at, values):
            begin = 8 + size + header[f"sentences.1.{name}"]["data_offsets"][0] + 4 * at
            content[begin : begin + 4 * len(values)] = struct.pack(f"<{len(values)}f", *values)
        put("pair_move", 0, [-4.0 if step > 10 else 0.1])  # at first the pair moves next to nothing, and no share of it is said
        put("moves", 0, [0, -3.2 if step >= 30 else -1.2, -1, -0.2, 0, -0.4])
        row = [0.5 / (n - 1) if step < 20 else 0.1 / (n - 1)] * n
        row[source] = 0.9 if step >= 20 else 0.4
        for head in range(6):
            put("weights", (head * n + target) * n, row if head == 5 else [1 / n] * n)
        open(path, "wb").write(content)
    program("inspect", "story", "--out", "story.html")
    return s


def shown_numbers(browser):
    """The table of the chosen head as numbers."""
    browser.evaluate("document.querySelector('#numbers').open = true")
    browser.settle()
    rows = browser.evaluate("[...document.querySelectorAll('#numbers tbody tr')].map((r) => [...r.querySelectorAll('td')].map((c) => c.textContent.replace('−', '-')))")
    return [[float(x) for x in row] for row in rows]


def state(browser):
    return dict(part.split("=") for part in browser.evaluate("location.hash.slice(1)").split("&"))


def check_values(browser, recording):
    index, steps = recording
    for k, s in enumerate(index["sentences"]):
        for number, step in enumerate(sorted(steps)):
            for head in range(index["layers"] * index["heads"]):
                if (k + number + head) % 5:  # a fifth of them all
                    continue
                l, h = divmod(head, index["heads"])
                browser.go(f"s={k}&t={number}&l={l}&h={h}&v=weights")
                shape, values = steps[step][k]
                n, shown = shape[-1], shown_numbers(browser)
                expect(len(shown) == n, f"{n} rows, not {len(shown)}")
                for i in range(n):
                    for j in range(n):
                        exact = values[((l * index["heads"] + h) * n + i) * n + j]
                        expect(abs(shown[i][j] - exact) <= PRECISION + 0.0005, f"sentence {k}, step {step}, head {l}.{h}, [{i}][{j}]: {shown[i][j]} instead of {exact}")


def check_keys(browser):
    browser.go("s=0&t=6&l=0&h=0&v=weights")
    browser.evaluate("document.activeElement.blur()")
    for key, name, value in [("]", "l", "1"), ("[", "l", "0"), ("h", "h", "1"), ("H", "h", "0"), (",", "t", "5"), (".", "t", "6"), ("Home", "t", "0"), ("End", "t", "6"), ("s", "s", "1"), ("S", "s", "0"),
                             ("v", "v", "lines"), ("v", "v", "change"), ("v", "v", "weights")]:
        browser.key(key)
        expect(state(browser)[name] == value, f"key {key}: {name} is {state(browser)[name]}, not {value}")
    browser.key("ArrowDown"), browser.key("ArrowRight"), browser.key("ArrowRight")
    expect("r" not in state(browser), "an unlocked word is not in the address")
    first = browser.text("#readout")
    expect(re.search(r"looks at .*: [01]\.\d{3}$", first), f"the readout says a weight, not {first!r}")
    browser.key("ArrowRight")
    expect(browser.text("#readout") != first, "arrows move")
    browser.key("Enter")
    expect("r" in state(browser), "Enter locks")
    browser.key("Escape")
    expect("r" not in state(browser), "Escape unlocks")
    dark = browser.evaluate("document.documentElement.classList.contains('dark')")
    browser.key("t")
    expect(browser.evaluate("document.documentElement.classList.contains('dark')") != dark, "t turns the light on or off")
    browser.key("t"), browser.key("?")
    expect(browser.evaluate("document.querySelector('#keys').open"), "? shows the keys")
    browser.click("#keys button")
    expect(not browser.evaluate("document.querySelector('#keys').open"), "the dialog closes")
    browser.key("Home"), browser.key("p")
    time.sleep(1.2)
    expect(int(state(browser)["t"]) >= 1, "p plays")
    browser.key("p")


def check_mouse(browser):
    browser.go("s=1&t=6&l=0&h=0&v=weights")
    browser.click("#heads .head:nth-child(5)")
    expect((state(browser)["l"], state(browser)["h"]) == ("1", "1"), "a click on a small map chooses its head")
    expect(browser.evaluate("document.querySelectorAll('.head[aria-pressed=true]').length") == 1, "one head is chosen")
    browser.click("#tokens .token:nth-child(2)")
    expect(state(browser)["r"] == "1", "a click on a word locks it")
    browser.click("#tokens .token:nth-child(2)")
    expect("r" not in state(browser), "a second one unlocks it")
    browser.click("#picture canvas")
    expect("r" in state(browser) and "c" in state(browser), "a click on a cell locks it")
    locked = browser.text("#readout")
    box = browser.evaluate("(() => { const b = document.querySelector('#picture canvas').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
    browser.mouse("mouseMoved", box[0] + 3, box[1] + 3)
    browser.settle()
    expect(browser.text("#readout") == locked, "what is locked stays")
    browser.key("Escape")
    browser.mouse("mouseMoved", box[0] + 5, box[1] + 5)
    browser.settle()
    numbers, words = shown_numbers(browser), browser.evaluate("[...document.querySelectorAll('.token')].map((t) => t.textContent)")
    expect(browser.text("#readout") == f"{words[0]} looks at {words[0]}: {numbers[0][0]:.3f}", f"the readout is that of the cell under the mouse: {browser.text('#readout')}")
    for column in (2, 3):
        browser.click(f"#measures th:nth-child({column}) button")
        values = browser.evaluate(f"[...document.querySelectorAll('#measures td:nth-child({column})')].map((c) => c.textContent.replace('−', '-'))")
        falling = [float(v) for v in values if v != "–"]
        expect(falling == sorted(falling, reverse=True), f"column {column} is sorted: {values}")
    browser.click("#measures tbody tr:nth-child(3)")
    expect(browser.evaluate("document.querySelectorAll('tr.chosen').length") == 1, "a click on a row chooses its head")
    browser.click("#views button:nth-child(2)")
    expect(state(browser)["v"] == "lines", "a click chooses the view")
    expect(browser.evaluate("document.querySelectorAll('#picture path').length") >= len(words), "of every query a line")
    browser.click("#next")
    expect(state(browser)["s"] == "2", "the next sentence")


def check_change(browser):
    values = {}
    for t in (1, 6):
        browser.go(f"s=1&t={t}&l=1&h=2&v=weights")
        values[t] = shown_numbers(browser)
    browser.go("s=1&t=6&b=1&l=1&h=2&v=change")
    for shown, now, then in zip(shown_numbers(browser), values[6], values[1]):
        expect(all(abs(d - (a - b)) <= 0.0016 for d, a, b in zip(shown, now, then)), "the change is the difference of two steps")


def check_files(browser, folder):
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=folder)
    for view in ("weights", "lines", "change"):
        browser.go(f"s=1&t=6&b=1&l=1&h=2&v={view}")
        numbers = shown_numbers(browser)
        for ending in ("svg", "png", "csv"):
            browser.click(f"#save-{ending}")
            path, end = f"{folder}/small-step60-1.2-{view}.{ending}", time.monotonic() + 10
            while not os.path.exists(path):
                expect(time.monotonic() < end, f"{path} is saved; there is {os.listdir(folder)}")
                time.sleep(0.05)
            time.sleep(0.1)
            content = open(path, "rb").read()
            if ending == "png":
                expect(content.startswith(b"\x89PNG") and len(content) > 5000, "a picture")
                continue
            text = content.decode()
            for part in ["block 1, head 2", "step 60", "seed 1", "softmax", "xxh3:", "dropout off"]:
                expect(part in text, f"{path} says {part}")
            if ending == "svg":
                expect(xml.etree.ElementTree.fromstring(text).find("{http://www.w3.org/2000/svg}title") is not None, "a title")
                expect("var(" not in text, "an SVG file knows no variables of the page")
            else:
                rows = list(csv.reader(io.StringIO(text.split("\n", 1)[1])))
                expect(all(abs(float(a) - b) < 0.0006 for row, shown in zip(rows[1:], numbers) for a, b in zip(row[1:], shown)), "the numbers of the view")


def check_live(browser, recording):
    """The model in the page against the engine: α of a recorded sentence, and the answer."""
    browser.go("s=0&t=6&v=weights")
    about = browser.text("#live-about")
    step, error = int(re.search(r"step ([\d,]+)", about)[1].replace(",", "")), float(re.search(r"within (\S+) of", about)[1])
    expect(error < 0.01, about)
    index, steps = recording
    text = browser.evaluate("document.querySelector('#text').value")
    k = next(k for k, s in enumerate(index["sentences"]) if " ".join(s["tokens"]) == text)
    shape, values = steps[step][k]
    n = shape[-1]
    browser.click("#live-form button")
    for head in range(index["layers"] * index["heads"]):
        browser.click(f"#heads .head:nth-child({head + 1})")
        for i, row in enumerate(shown_numbers(browser)):
            for j, shown in enumerate(row):
                exact = values[(head * n + i) * n + j]
                expect(abs(shown - exact) <= PRECISION + 1.1 * error + 0.0005, f"live head {head}, [{i}][{j}]: {shown} instead of {exact}")
    engine = json.loads(program("attention", "small", text, "--json").stdout)["predictions"][0]["best"]
    answers = browser.evaluate("[...document.querySelectorAll('#answers li')].map((a) => [a.querySelector('bdi').textContent, parseFloat(a.querySelector('span').textContent)])")
    for (word, p), best in zip(answers, engine):
        expect(word == best["answer"] and abs(p - best["probability"]) < 0.01, f"{answers} instead of {engine}")
    scale = "((v) => { const e = document.querySelector('#head-scale'); e.value = v; e.dispatchEvent(new Event('input')); })"
    browser.click("#heads .head:nth-child(1)")
    browser.evaluate(f"{scale}(0)")
    browser.settle()
    now = browser.evaluate("[...document.querySelectorAll('#answers span')].map((a) => a.textContent)")
    expect(all("with all heads" in a for a in now) and any(float(a.split()[0]) != p for a, (_, p) in zip(now, answers)), f"without a head the answer is another: {now}")
    browser.click("#all-on")
    browser.settle()
    again = browser.evaluate("[...document.querySelectorAll('#answers li')].map((a) => [a.querySelector('bdi').textContent, parseFloat(a.querySelector('span').textContent)])")
    expect(again == answers, "with all heads it is as it was")
    browser.evaluate("document.querySelector('#text').value = 'the zebra [MASK]'")
    browser.click("#live-form button")
    expect("zebra" in browser.text("#live-note"), "an unknown word is said")
    browser.evaluate("document.querySelector('#text').value = 'the '.repeat(40)")
    browser.click("#live-form button")
    expect("24 at most" in browser.text("#live-note"), "too many words are said")
    browser.click("#back")
    expect(browser.evaluate("document.querySelectorAll('.token').length") > 3 and not browser.evaluate("document.querySelector('#table').hidden"), "back to what was recorded")


def check_story(browser, path, s):
    """Whoever opens the page reads there which head carries the answer, which one looks, since when, and can go there."""
    browser.open(path, "#s=1&t=6")
    browser.settle()
    pair, chance, asked = s["link"]["pair_value"], s["link"]["chance"], s["tokens"][s["target"]]
    told = browser.evaluate("[...document.querySelectorAll('#story li')].map((e) => e.textContent)")
    expect(told == [f"block 0, head 1 carries it most: its output alone moves the answer 0.80 of the way to {pair}; more than half of that from step 30 on; also block 0, head 2 (0.25)",
                    f"block 1, head 2 looks at it most: 0.90 of the attention of {asked} (chance {chance:.2f}, before training 0.40); more than half of that from step 20 on; but it carries 0.10"], str(told))
    browser.click("#story li:nth-child(2) .name:nth-of-type(2)")
    expect([state(browser)[k] for k in "tlh"] == ["2", "1", "2"], "a click on a step goes there")
    box = browser.evaluate("(() => { const b = document.querySelector('#course').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
    for kind in ["mousePressed", "mouseReleased"]:
        browser.mouse(kind, box[0] + 34 + (box[2] - 44) * 41 / 60, box[1] + 60)
    browser.settle()
    expect(state(browser)["t"] == "4", "a click on a curve goes to the nearest step")
    expect(browser.evaluate("document.querySelector('#sentences').options[1].text").replace("\u2068", "").replace("\u2069", "").startswith(s["link"]["name"] + ": "), "what the sentences are about")
    found = browser.evaluate("[...document.querySelectorAll('#findings li')].map((e) => [e.textContent, [...e.querySelectorAll('.name')].map((b) => b.textContent)])")
    said = program("inspect", "story", "--table", "--limit", "300").stdout
    expect(len(found) == len(re.findall("^- ", said, re.M)) and all("- " + text in said for text, _ in found), f"what the table says, and no more: {found}")
    head = next(names for _, names in found if names)[0]
    browser.click("#findings .name")
    expect(f"{state(browser)['l']}.{state(browser)['h']}" == head, "a click on the name of a head chooses it")


def check_two_runs(browser):
    """Heads of two runs stand side by side as the assignment of least divergence has it, found here by trying all."""
    program("train", "small.yaml", "--run-dir", "other", "--set", "run.name=other", "--set", "run.seed=2", "--set", "model.heads=2")
    program("inspect", "small", "--with", "other", "--out", "two.html")
    recordings, heads = [read_recording(f"{name}/attention") for name in ("small", "other")], []
    for index, steps in recordings:
        shape, values = steps[max(steps)][0]  # the sentence that both read
        n = shape[-1]
        heads.append([[values[(h * n + i) * n : (h * n + i + 1) * n] for i in range(n)] for h in range(shape[0] * shape[1])])
    part = lambda p, q: sum(a * math.log(2 * a / (a + b)) for a, b in zip(p, q) if a > 0) / 2
    cost = [[sum(part(p, q) + part(q, p) for p, q in zip(a, b)) / len(a) for b in heads[1]] for a in heads[0]]
    best = min(itertools.permutations(range(len(heads[0])), len(heads[1])), key=lambda order: sum(cost[a][b] for b, a in enumerate(order)))
    browser.open("two.html", "#s=0&t=6&v=runs")
    for a in range(len(heads[0])):
        browser.go(f"s=0&t=6&l={a // 3}&h={a % 3}&v=runs")
        said = browser.evaluate("[...document.querySelectorAll('#picture svg text')].map((t) => t.textContent)")
        if a in best:
            b = best.index(a)
            expect(f"other, seed 2: block {b // 2}, head {b % 2}" in said and f"after step 60; divergence {cost[a][b]:.2f} nats" in said, f"head {a} stands beside {b} ({cost[a][b]:.2f}): {said[-4:]}")
            expect(browser.evaluate("document.querySelectorAll('#picture canvas').length") == 2, "both maps")
        else:
            expect("The other run has no such sentence or head." in said, f"head {a} has no partner: {said[-4:]}")
    browser.go("s=1&t=6&v=runs")
    expect("The other run has no such sentence or head." in browser.text("#picture"), "a sentence that the other run did not record")


def check_large(browser):
    """6 blocks of 8 heads, 64 tokens, 40 steps: at most 10 MB; how quick it is, is measured below."""
    words = [f"w{(7 * k * k + k) % 50}" for k in range(63)] + ["[MASK]"]
    with open("large.txt", "w") as f:
        f.write((" ".join(words[:-1]) + "\n") * 8)
    with open("large.yaml", "w") as f:
        f.write(f"""
data: {{kind: lines, train: large.txt, max_length: 64}}
tokenizer: {{kind: word}}
model: {{width: 64, layers: 6, heads: 8, hidden: 64, position: learned}}
objective: {{kind: masked_lm}}
optimizer: {{kind: adamw, learning_rate: 0.003}}
training: {{steps: 39, batch_size: 4}}
inspect: {{sentences: ["{' '.join(words)}"], samples: 0, every: 1}}
""")
    program("train", "large.yaml", "--run-dir", "large")
    expect(os.path.getsize("large/page.html") < 10e6, "at most 10 MB")
    measure(browser, "large/page.html")
    expect(browser.evaluate("document.querySelectorAll('.head').length") == 48 and browser.evaluate("Number(document.querySelector('#step').max)") == 39, "48 heads, 40 steps")


def check_long(browser):
    """A sentence of 512 tokens: every view is there in a moment."""
    words = [f"w{(7 * k * k + k) % 50}" for k in range(511)] + ["[MASK]"]
    with open("long.txt", "w") as f:
        f.write((" ".join(words[:-1]) + "\n") * 4)
    with open("long.yaml", "w") as f:
        f.write(f"""
data: {{kind: lines, train: long.txt, max_length: 512}}
tokenizer: {{kind: word}}
model: {{width: 8, layers: 1, heads: 2, hidden: 8, position: learned}}
objective: {{kind: masked_lm}}
training: {{steps: 2, batch_size: 1}}
inspect: {{sentences: ["{' '.join(words)}"], samples: 0, every: 1}}
""")
    program("train", "long.yaml", "--run-dir", "long")
    browser.open("long/page.html")
    expect(browser.evaluate("document.querySelectorAll('.token').length") == 512, "all tokens")
    for view in ("lines", "change", "weights"):
        browser.go(f"s=0&t=2&v={view}")
        expect(browser.evaluate("document.querySelectorAll('#picture path').length") <= 1500, "no more lines than can be told apart")
    browser.key("ArrowDown")
    expect("looks" in browser.text("#readout"), "and keys move in it")


def check_hostile(browser, path):
    browser.open(path, "#s=1")
    browser.settle()
    shown = browser.evaluate("[...document.querySelectorAll('.token')].map((t) => t.textContent)")
    expect(len(shown) > 3 and shown == (HOSTILE * 2)[: len(shown)], f"the words as they are, not {shown}")
    expect(HOSTILE[0] in browser.text("#link"), "and so is what is said of the link")
    expect(browser.evaluate("document.querySelectorAll('script, img, iframe').length") == 2, "only the page's own two scripts")
    for view in ("lines", "change", "weights"):
        browser.go(f"s=1&v={view}")


def measure(browser, path):
    """First look and frames of the slider; said, not judged: it depends on the machine."""
    browser.open(path)
    drawn = browser.evaluate("document.documentElement.dataset.drawn")
    time.sleep(1.5)  # the browser notes its first paint when it has time for it, or not at all
    paint = browser.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
    painted = "unknown" if paint is None else f"after {paint:.0f} ms"
    frames = browser.evaluate("""new Promise((done) => { const slider = document.querySelector('#step'), start = performance.now(); let k = 0;
        const next = () => { slider.value = k % (Number(slider.max) + 1); slider.dispatchEvent(new Event('input')); if (++k < 60) requestAnimationFrame(next); else done(60000 / (performance.now() - start)); };
        next(); })""")
    print(f"{os.path.basename(path)}: {os.path.getsize(path) / 1e6:.2f} MB, first paint {painted}, drawn after {drawn} ms, slider {frames:.0f} frames/s")


def main():
    if not find_browser():
        print("skipped: no Chromium here (apt install chromium); the page is not tested")
        return 77
    os.makedirs(OUT, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vitrine-page-") as folder:
        make_runs(folder)
        story = make_story()
        recording = read_recording("small/attention")
        browser = Browser(1280, 900)
        try:
            browser.open("small/page.html")
            expect(browser.text("h1") == "small", "the run's name")
            check_values(browser, recording)
            check_keys(browser)
            check_mouse(browser)
            check_change(browser)
            check_files(browser, folder)
            check_live(browser, recording)
            check_story(browser, "story.html", story)
            check_two_runs(browser)
            check_large(browser)
            check_long(browser)
            check_hostile(browser, "hostile.html")
            measure(browser, "small/page.html")
            for width in (1280, 480):
                for name, fragment, dark in [("weights", "#s=1&t=6&v=weights", False), ("lines", "#s=2&t=6&v=lines", False), ("change", "#s=1&t=6&b=1&v=change", True)]:
                    browser.size(width, 900, dark=dark)
                    browser.open("small/page.html", fragment)
                    time.sleep(0.5)
                    browser.settle()
                    browser.screenshot(f"{OUT}/page-{name}-{width}.png")
                    wide = browser.evaluate("document.documentElement.scrollWidth")
                    expect(wide <= width, f"at {width} px nothing sticks out: {wide}")
            complaints = browser.complaints()
            expect(not complaints, f"the console is silent and nothing is requested: {complaints}")
        finally:
            browser.close()
    print(f"the page is as it should be; pictures in {OUT}")
    return 0


if __name__ == "__main__":
    PROGRAM, SOURCE, OUT = (os.path.abspath(argument) for argument in sys.argv[1:4])
    sys.exit(main())
