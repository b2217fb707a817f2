-- wrk -s post.lua URL -- BODIES
-- Posts the bodies of a file in order and round again; its first line is a bearer token, or empty. Reports as wrk.lua.

local requests, at = {}, 0

function init(args)
  local headers
  for line in io.lines(args[1]) do
    if headers == nil then
      headers = { ["Content-Type"] = "application/json" }
      if line ~= "" then headers["Authorization"] = "Bearer " .. line end
    else
      requests[#requests + 1] = wrk.format("POST", nil, headers, line)
    end
  end
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
