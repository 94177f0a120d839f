-- Replaces parts of headers of answers: what a backend says of itself in Location, Refresh and Set-Cookie.
-- Constant: what to replace comes as data (the filter's context), and is compared as plain text, never as a pattern.

local KEPT = "isthmus.answer_rewrites"

local function first(headers, name)
  return headers:get(name) or ""
end

local function split_target(headers)
  local target = first(headers, ":path")
  local mark = target:find("?", 1, true)
  if not mark then return target, "", "" end
  return target:sub(1, mark - 1), "?", target:sub(mark + 1)
end

local function among(text, separator, name)
  for part in text:gmatch("[^" .. separator .. "]+") do
    local key, value = part:match("^%s*([^=]*)=(.*)$")
    if key == name then return value end
  end
  return ""
end

local OF = {
  ["origin"] = function(headers) return first(headers, "x-forwarded-proto") .. "://" .. first(headers, ":authority") end,
  ["scheme"] = function(headers) return first(headers, "x-forwarded-proto") end,
  ["host"] = function(headers) return first(headers, ":authority") end,
  ["method"] = function(headers) return first(headers, ":method") end,
  ["target"] = function(headers) return first(headers, ":path") end,
  ["path"] = function(headers) return (split_target(headers)) end,
  ["query-mark"] = function(headers) return (select(2, split_target(headers))) end,
  ["query"] = function(headers) return (select(3, split_target(headers))) end,
  ["request-id"] = function(headers) return first(headers, "x-request-id") end,
  ["header"] = function(headers, name) return first(headers, name) end,
  ["cookie"] = function(headers, name) return among(first(headers, "cookie"), ";", name) end,
  ["parameter"] = function(headers, name) return among(select(3, split_target(headers)), "&", name) end,
  ["client"] = function(_, _, info)
    local address = info:downstreamRemoteAddress()
    return address:match("^%[(.*)%]:%d+$") or address:match("^(.*):%d+$") or address
  end,
}

function envoy_on_request(handle)
  local variables = handle:filterContext():get("variables")
  if not variables then return end
  local headers, info = handle:headers(), handle:streamInfo()
  for index, variable in ipairs(variables) do
    local value = OF[variable["of"]]
    if value then
      info:dynamicMetadata():set(KEPT, "v" .. index, value(headers, variable["name"], info))
    end
  end
end

local function filled(parts, kept)
  local out = {}
  for index, part in ipairs(parts) do
    out[index] = part["text"] or kept["v" .. string.format("%d", part["variable"])] or ""
  end
  return table.concat(out)
end

local function replaced(value, rewrite, kept)
  local start = filled(rewrite["start"], kept)
  if start == "" then return nil end
  if rewrite["whole"] then
    local dot, bare = value:match("^(%.?)(.*)$")
    if bare:lower() ~= start:lower() then return nil end
    return dot .. filled(rewrite["replacement"], kept)
  end
  if value:sub(1, #start) ~= start then return nil end
  return filled(rewrite["replacement"], kept) .. value:sub(#start + 1)
end

local function in_attribute(value, rewrite, kept)
  local at = value:find(";", 1, true)
  while at do
    local stop = value:find(";", at + 1, true)
    local part = value:sub(at + 1, (stop or #value + 1) - 1)
    local head, name, rest = part:match("^(%s*([^=%s]*)%s*=%s*)(.*)$")
    if head and name:lower() == rewrite["attribute"] then
      local new = replaced(rest, rewrite, kept)
      if not new then return nil end
      return value:sub(1, at) .. head .. new .. value:sub(stop or #value + 1)
    end
    at = stop
  end
end

local function rewritten(value, rewrites, kept)
  local done = {}
  for _, rewrite in ipairs(rewrites) do
    local place = rewrite["attribute"] or ""
    if not done[place] then
      local new = place == "" and replaced(value, rewrite, kept) or place ~= "" and in_attribute(value, rewrite, kept)
      if new then
        value, done[place] = new, true
      end
    end
  end
  return value
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local kept = handle:streamInfo():dynamicMetadata():get(KEPT) or {}
  for _, each in ipairs(handle:filterContext():get("headers")) do
    local name, found, changed = each["name"], {}, false
    for index = 0, headers:getNumValues(name) - 1 do
      local value = headers:getAtIndex(name, index)
      local new = rewritten(value, each["rewrites"], kept)
      found[index + 1], changed = new, changed or new ~= value
    end
    if changed then
      headers:remove(name)
      for _, value in ipairs(found) do headers:add(name, value) end
    end
  end
end
