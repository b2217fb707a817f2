-- wrk -s wrk.lua URL -- TOKENS PATHS OFFSET
-- Sends the tokens of one file to the paths of another, each in order, from line OFFSET + 1 on and round again; reports
-- as one JSON line.

local requests, at = {}, 0

local function lines(name)
  local found = {}
  for line in io.lines(name) do
    found[#found + 1] = line
  end
  return found
end

function init(args)
  local tokens, paths = lines(args[1]), lines(args[2])
  for number = 0, math.max(#tokens, #paths) - 1 do
    local header = { ["Authorization"] = "Bearer " .. tokens[number % #tokens + 1] }
    requests[#requests + 1] = wrk.format("GET", paths[number % #paths + 1], header)
  end
  at = tonumber(args[3])
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "not_2xx": %d, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
