// What the heads do, in words. The name of a head chooses it.
function chooser(text, changes) {
  const e = document.createElement("button");
  e.className = "name", e.textContent = text;
  e.addEventListener("click", () => choose({run: 0, ...changes}));
  return e;
}
function item(...parts) {
  const li = document.createElement("li");
  li.append(...parts);
  return li;
}

// Of a sentence with a link: which head acts on the source in the end, which looks at it most, and since when.
const kCarries = 0.2;  // as in ../linter.h
function drawStory(s) {
  const {layers, heads, steps} = s.run, last = steps.length - 1, k = Array.from({length: layers * heads}, (_, k) => [Math.floor(k / heads), k % heads]);
  if (!s.link || !s.looks) return $("story").replaceChildren();
  const looks = (head, t = last) => onSources(s, t, ...head), carries = (head, t = last) => effectOf(s, t, ...head), most = (of) => k.reduce((a, b) => (of(b) > of(a) ? b : a));
  const named = ([layer, head]) => chooser(headName(layer, head), {layer, head});
  const since = ([layer, head], of) => {
    const from = sinceOf(steps, (t) => of([layer, head], t));
    return from > 0 ? ["; more than half of that ", chooser(`from step ${thousands(steps[from])} on`, {layer, head, step: from})] : [];
  };
  const others = (best, of, least) => k.filter((head) => head !== best && of(head) >= least).flatMap((head, i) => [i ? ", " : "; also ", named(head), ` (${of(head).toFixed(2)})`]);
  const eye = most(looks), hand = most(carries), moved = !Number.isNaN(carries(hand)), out = [];
  if (moved && carries(hand) >= kCarries) out.push(item(named(hand), ` carries it most: its output alone moves the answer ${carries(hand).toFixed(2)} of the way to `, bdi(s.link.pair_value), ...since(hand, carries), ...others(hand, carries, kCarries)));
  else if (moved) out.push(item("No head carries it alone: the most is ", named(hand), ` with ${carries(hand).toFixed(2)} of the way to `, bdi(s.link.pair_value)));
  else out.push(item("Nobody carries it: the other word hardly changes the answer"));
  out.push(item(named(eye), ` looks at it most: ${looks(eye).toFixed(2)} of the attention of `, bdi(s.tokens[s.target]), ` (chance ${s.link.chance.toFixed(2)}${steps[0] === 0 && last > 0 ? `, before training ${looks(eye, 0).toFixed(2)}` : ""})`,
    ...since(eye, looks), moved && eye !== hand ? `; but it carries ${carries(eye).toFixed(2)}` : "", ...others(eye, looks, Math.max(looks(eye) / 2, 2 * s.link.chance))));
  $("story").replaceChildren(...out);
}

// What stands out over a whole split, by what it is about.
const kTopics = {"Who carries what": ["carries", "carries_unseen", "looks_only", "looks_and_acts", "unlearned"], "What would not be missed": ["dead", "constant", "alike", "prunable"], "Where they look": ["uniform", "sink", "pattern"]};
function drawFindings({findings, measured}) {
  const topics = Object.entries(kTopics).map(([title, kinds]) => [title, findings.filter((f) => kinds.includes(f.kind))]).filter(([, found]) => found.length);
  $("findings").hidden = topics.length === 0;
  $("findings").querySelector("p").textContent = `Measured on ${measured}; 1.2 is block 1, head 2, both counted from 0.`;
  $("findings").querySelector("div").replaceChildren(...topics.map(([title, found]) => {
    const topic = document.createElement("div"), list = document.createElement("ul");
    topic.append(Object.assign(document.createElement("h3"), {textContent: title}), list);
    list.append(...found.map(({heads, sentence}) => {
      const names = new Map(heads.map(([layer, head]) => [`${layer}.${head}`, {layer, head}]));
      return item(...sentence.split(/(?<![\d.])(\d+\.\d+)(?!\d)/).map((part) => {
        const head = names.get(part);
        return names.delete(part) ? chooser(part, head) : part;  // later numbers are not names
      }));
    }));
    return topic;
  }));
}
