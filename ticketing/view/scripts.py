"""The one Lua script that changes the view: newer versions in, tombstones and expired ones out."""

from __future__ import annotations

# KEYS  pointers, then docs, list, meta, changed, seq, gone, ended of one section of a build
# ARGV  build, prefix of the section, now, the time before which an ended entry is dropped, the time
#       before which a tombstone is (empty: ids come again, and neither tombstones nor changes are
#       remembered); then seven an entry: id, version (text, ordered as such; empty: tombstone),
#       place in the indexes, names of the indexes (a JSON array), time of its end (empty: none),
#       document for lists, whole document (empty: the other one is all)
# Returns {written, stale, deleted}, or an empty table where the build is no longer in use.
#
# The tombstone of an incident is remembered for a while: a process that lost its partition may
# still write the revision before it, and an incident's id is never used twice. The fingerprint of
# an alert is; what such a process writes of a forgotten alert is dropped at its end.
WRITE = """
local pointers, docs, list, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local changed, seq, gone, ended = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local build, prefix, now = ARGV[1], ARGV[2], ARGV[3]
local remembers = ARGV[5] ~= ''
if redis.call('HGET', pointers, 'live') ~= build
  and redis.call('HGET', pointers, 'building') ~= build then
  return {}
end

local function leave_indexes(id, known)
  for _, index in ipairs(known[3]) do
    redis.call('ZREM', prefix .. index, known[2])
  end
  redis.call('ZREM', ended, id)
end

local function note_change(id)
  if remembers then redis.call('ZADD', changed, redis.call('INCR', seq), id) end
end

local function note_tombstone(id)
  if remembers then redis.call('ZADD', gone, now, id) end
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
  local id, version, place = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local indexes, ended_at, whole = ARGV[at + 3], ARGV[at + 4], ARGV[at + 6]
  if version == '' then
    if remove(id) then deleted = deleted + 1 end
    note_tombstone(id)
  else
    local raw = redis.call('HGET', meta, id)
    local known = raw and cjson.decode(raw)
    -- An older release has left numbers.
    local is_text = known and type(known[1]) == 'string'
    if (is_text and known[1] >= version) or redis.call('ZSCORE', gone, id) then
      stale = stale + 1
    else
      if known then leave_indexes(id, known) end
      local names = cjson.decode(indexes)
      for _, index in ipairs(names) do
        redis.call('ZADD', prefix .. index, 0, place)
      end
      if ended_at ~= '' then redis.call('ZADD', ended, ended_at, id) end
      redis.call('HSET', list, id, ARGV[at + 5])
      if whole ~= '' then redis.call('HSET', docs, id, whole) end
      redis.call('HSET', meta, id, cjson.encode({version, place, names}))
      note_change(id)
      written = written + 1
    end
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', ended, '-inf', ARGV[4], 'LIMIT', 0, 200)) do
  if remove(id) then deleted = deleted + 1 end
  redis.call('ZREM', ended, id)
  note_tombstone(id)
end
if remembers then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', ARGV[5], 'LIMIT', 0, 200)) do
    redis.call('ZREM', gone, id)
    if redis.call('HEXISTS', meta, id) == 0 then redis.call('ZREM', changed, id) end
  end
end
return {written, stale, deleted}
"""
