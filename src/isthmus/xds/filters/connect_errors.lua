-- Puts right what the Connect bridge makes of a failed call: the message comes percent-encoded from gRPC, and the
-- types of error details are names in Connect, not URLs. Sees only the headers or trailers that end a call.

local PREFIX = "type.googleapis.com/"
local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local DIGITS = {}
for i = 1, 64 do DIGITS[LETTERS:byte(i)] = i - 1 end

local function unbase64(text)
  local out, bits, held = {}, 0, 0
  for i = 1, #text do
    local digit = DIGITS[text:byte(i)]
    if digit then
      bits, held = bits * 64 + digit, held + 6
      if held >= 8 then
        held = held - 8
        out[#out + 1] = string.char(math.floor(bits / 2 ^ held))
        bits = bits % 2 ^ held
      end
    end
  end
  return table.concat(out)
end

local function varint(text, at)
  local value, power = 0, 1
  while at <= #text and power < 2 ^ 35 do
    local byte = text:byte(at)
    at, value, power = at + 1, value + byte % 128 * power, power * 128
    if byte < 128 then return value, at end
  end
end

local function varint_of(value)
  local out = ""
  while value > 127 do
    out, value = out .. string.char(value % 128 + 128), math.floor(value / 128)
  end
  return out .. string.char(value)
end

-- The message with every length-delimited field of one number changed; nil where it is not a protobuf message.
local function mapped(message, wanted, change)
  local out, at = {}, 1
  while at <= #message do
    local start = at
    local tag, size
    tag, at = varint(message, at)
    if not tag then return nil end
    local wire = tag % 8
    if wire == 0 then size, at = varint(message, at)
    elseif wire == 1 then at = at + 8
    elseif wire == 5 then at = at + 4
    elseif wire == 2 then
      size, at = varint(message, at)
      if not size then return nil end
      at = at + size
    else return nil end
    if not at or at > #message + 1 then return nil end
    if tag == wanted * 8 + 2 then
      local changed = change(message:sub(at - size, at - 1))
      if not changed then return nil end
      out[#out + 1] = varint_of(tag) .. varint_of(#changed) .. changed
    else
      out[#out + 1] = message:sub(start, at - 1)
    end
  end
  return table.concat(out)
end

local function short_type(any)
  return mapped(any, 1, function(url) return url:sub(1, #PREFIX) == PREFIX and url:sub(#PREFIX + 1) or url end)
end

local function mend(handle, headers)
  local message = headers:get("grpc-message")
  if message and message:find("%", 1, true) then
    headers:replace("grpc-message", (message:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)))
  end
  local details = headers:get("grpc-status-details-bin")
  if details then
    local status = mapped(unbase64(details), 3, short_type)
    if status then headers:replace("grpc-status-details-bin", handle:base64Escape(status)) end
  end
end

function envoy_on_response(response)
  local headers = response:headers()
  if headers:get("grpc-status") then
    mend(response, headers)
  else
    local trailers = response:trailers()
    if trailers then mend(response, trailers) end
  end
end
