// Which items of a long list are drawn: those in view and some around. Heights are in pixels.

// The place of every item from the top, and at the end the height of all.
export function placesOf(heights) {
  const places = [0];
  for (const height of heights) places.push(places.at(-1) + height);
  return places;
}

// The first item that ends below a height.
export function indexAt(places, height) {
  let low = 0;
  let high = places.length - 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle + 1] > height) high = middle;
    else low = middle + 1;
  }
  return Math.max(low, 0);
}

// The items between two heights, as `[first, behind the last]`.
export function itemsBetween(places, top, bottom) {
  if (places.length < 2) return [0, 0];
  return [indexAt(places, top), Math.min(indexAt(places, bottom) + 1, places.length - 1)];
}

// The id `distance` rows from one. Of one that has left the list, its place is known: whoever took
// it is next. Null in an empty list.
export function neighbour(ids, id, place, distance) {
  const found = ids.indexOf(id);
  const gone = distance > 0 ? place - 1 : place;
  const at = (found < 0 ? gone : found) + distance;
  return ids[Math.min(Math.max(at, 0), ids.length - 1)] ?? null;
}
