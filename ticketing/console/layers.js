// Places the services of a graph: callers to the left of what they call, circles or not.

// The nodes as `{name, layer, row}`: `layer` counts from the entries on, `row` from the top.
export function layered(nodes, edges) {
  const forward = withoutCircles(nodes, edges);
  const layers = layersOf(nodes, forward);
  const rows = new Map();
  const deepest = Math.max(0, ...layers.values());
  for (let layer = 0; layer <= deepest; layer += 1) {
    const names = nodes.map(({ name }) => name).filter((name) => layers.get(name) === layer);
    const wanted = new Map(names.map((name, place) => [name, meanRow(name, forward, rows, place)]));
    names.sort((left, right) => wanted.get(left) - wanted.get(right));
    for (const [row, name] of names.entries()) rows.set(name, row);
  }
  return nodes.map(({ name }) => ({ name, layer: layers.get(name), row: rows.get(name) }));
}

// The edges but those that lead back to a service on the way to them.
function withoutCircles(nodes, edges) {
  const callees = new Map(nodes.map(({ name }) => [name, []]));
  for (const { caller, callee } of edges) callees.get(caller).push(callee);
  const called = new Set(edges.map(({ callee }) => callee));
  const entriesFirst = [...callees.keys()].sort((a, b) => called.has(a) - called.has(b));
  const kept = [];
  const done = new Set();
  const onWay = new Set();
  const visit = (name) => {
    if (done.has(name)) return;
    onWay.add(name);
    for (const callee of callees.get(name)) {
      if (onWay.has(callee)) continue;
      kept.push({ caller: name, callee });
      visit(callee);
    }
    onWay.delete(name);
    done.add(name);
  };
  for (const name of entriesFirst) visit(name);
  return kept;
}

// The longest way to each service from an entry.
function layersOf(nodes, edges) {
  const layers = new Map(nodes.map(({ name }) => [name, 0]));
  for (let round = 1; round < nodes.length; round += 1) {
    let moved = false;
    for (const { caller, callee } of edges) {
      if (layers.get(callee) > layers.get(caller)) continue;
      layers.set(callee, layers.get(caller) + 1);
      moved = true;
    }
    if (!moved) break;
  }
  return layers;
}

function meanRow(name, edges, rows, otherwise) {
  const above = edges.filter(({ callee }) => callee === name).map(({ caller }) => rows.get(caller));
  const known = above.filter((row) => row !== undefined);
  return known.length ? known.reduce((sum, row) => sum + row, 0) / known.length : otherwise;
}
