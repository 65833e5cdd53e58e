"""The one Lua script that changes the view: newer revisions in, tombstones and expired ones out."""

from __future__ import annotations

# KEYS  pointers, then docs, list, meta, changed, seq, gone, resolved of one version
# ARGV  version, prefix of that version, now, the time of resolution before which an incident is
#       dropped, the time before which a tombstone is; then seven an incident: id, revision
#       (-1: tombstone), place in the indexes, names of the indexes (a JSON array), time of
#       resolution (empty: unresolved), document for lists, whole document
# Returns {written, stale, deleted}, or an empty table where the version is no longer in use.
#
# A tombstone is remembered for a while: a process that lost its partition may still write the
# revision before it, and an id is never used twice.
WRITE = """
local pointers, docs, list, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local changed, seq, gone, resolved = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local version, prefix, now = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HGET', pointers, 'live') ~= version
  and redis.call('HGET', pointers, 'building') ~= version then
  return {}
end

local function leave_indexes(id, known)
  for _, index in ipairs(known[3]) do
    redis.call('ZREM', prefix .. index, known[2])
  end
  redis.call('ZREM', resolved, id)
end

local function note_change(id)
  redis.call('ZADD', changed, redis.call('INCR', seq), id)
end

local function remove(id)
  local raw = redis.call('HGET', meta, id)
  if not raw then return false end
  leave_indexes(id, cjson.decode(raw))
  redis.call('HDEL', docs, id)
  redis.call('HDEL', list, id)
  redis.call('HDEL', meta, id)
  note_change(id)
  return true
end

local written, stale, deleted = 0, 0, 0
for at = 6, #ARGV, 7 do
  local id, revision, place = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local indexes, resolved_at = ARGV[at + 3], ARGV[at + 4]
  if revision < 0 then
    if remove(id) then deleted = deleted + 1 end
    redis.call('ZADD', gone, now, id)
  else
    local raw = redis.call('HGET', meta, id)
    local known = raw and cjson.decode(raw)
    if (known and known[1] >= revision) or redis.call('ZSCORE', gone, id) then
      stale = stale + 1
    else
      if known then leave_indexes(id, known) end
      local names = cjson.decode(indexes)
      for _, index in ipairs(names) do
        redis.call('ZADD', prefix .. index, 0, place)
      end
      if resolved_at ~= '' then redis.call('ZADD', resolved, resolved_at, id) end
      redis.call('HSET', list, id, ARGV[at + 5])
      redis.call('HSET', docs, id, ARGV[at + 6])
      redis.call('HSET', meta, id, cjson.encode({revision, place, names}))
      note_change(id)
      written = written + 1
    end
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', resolved, '-inf', ARGV[4], 'LIMIT', 0, 200)) do
  if remove(id) then deleted = deleted + 1 end
  redis.call('ZREM', resolved, id)
  redis.call('ZADD', gone, now, id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', ARGV[5], 'LIMIT', 0, 200)) do
  redis.call('ZREM', gone, id)
  if redis.call('HEXISTS', meta, id) == 0 then redis.call('ZREM', changed, id) end
end
return {written, stale, deleted}
"""
