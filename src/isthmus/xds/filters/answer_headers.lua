-- Gives headers of answers that are no errors the names that they were meant to have, and takes them from errors.
-- Constant: the headers to look at, with their names, are in headers that Envoy's header mutation has just made.

local NAMES = "x-isthmus-unless-error"
local FINE = {}
for _, status in ipairs({ 200, 201, 204, 206, 301, 302, 303, 304, 307, 308 }) do
  FINE[tostring(status)] = true
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local fine = FINE[headers:get(":status")]
  local names = headers:get(NAMES) or ""
  headers:remove(NAMES)
  local index = 0
  for edit, name in names:gmatch("(%a+):(%S+)") do
    local held = NAMES .. "-" .. string.format("%d", index)
    local value = headers:get(held)
    headers:remove(held)
    index = index + 1
    if value and fine and edit == "set" then
      headers:replace(name, value)
    elseif value and fine and (edit == "add" or not headers:get(name)) then
      headers:add(name, value)
    end
  end
end
