-- Ten events a run, 1,000 runs in turn; when these have ended, the next 1,000.
-- Arguments: a file of runs ("path?query run_id"), a file of bodies, the number of the first event.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  targets, ids, bodies = {}, {}, {}
  for line in io.lines(args[1]) do
    local target, id = line:match("(%S+) (%S+)")
    targets[#targets + 1], ids[#ids + 1] = target, id
  end
  for line in io.lines(args[2]) do
    bodies[#bodies + 1] = line
  end
  interleaved = 1000
  first = tonumber(args[3])
  counter = first
  headers = { ["Content-Type"] = "application/json" }
end

function request()
  local n = counter
  counter = n + 1
  local block = interleaved * #bodies
  local run = math.floor(n / block) * interleaved + n % interleaved
  local step = math.floor(n % block / interleaved)
  -- Whoever runs out of runs begins anew; `done` tells, and then the figures are worth nothing.
  run = run % #targets
  local body = bodies[step + 1]:gsub("@RUN@", ids[run + 1])
  return wrk.format("POST", targets[run + 1], headers, body)
end

function done(summary, latency, requests)
  local sent = 0
  for _, thread in ipairs(threads) do
    sent = sent + thread:get("counter") - thread:get("first")
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "most_ms": %.3f, '
      .. '"refused": %d, "broken": %d, "sent": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, sent
  ))
end
