-- What wrk sends: one request again and again, with the token and the body of its arguments.
-- The last line it prints is JSON.

function init(arguments)
  wrk.method = arguments[1]
  wrk.headers["X-Auth-Token"] = arguments[2]
  wrk.headers["X-OpenStack-Nova-API-Version"] = "2.100"
  wrk.headers["OpenStack-API-Version"] = "compute 2.100"
  if arguments[3] ~= nil then
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = arguments[3]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
